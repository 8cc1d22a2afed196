"""Chromium by chromedriver, spoken to by the W3C WebDriver protocol: JSON over HTTP, no other library."""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Self, TypeVar

from sandbox import free_port

Found = TypeVar("Found")
# The key under which an element is told (W3C WebDriver, 12).
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"


class GoneError(Exception):
    """An element that the page has replaced meanwhile."""


class Element:
    """An element of the page."""

    def __init__(self, browser: Browser, reference: str) -> None:
        self.browser = browser
        self.reference = reference

    def _get(self, path: str) -> Any:
        return self.browser.command("GET", f"/element/{self.reference}{path}")

    def all(self, selector: str) -> list[Element]:
        return self.browser.all(selector, f"/element/{self.reference}")

    def one(self, selector: str) -> Element:
        found = self.all(selector)
        assert len(found) == 1, f"{len(found)} times {selector}"
        return found[0]

    def text(self) -> str:
        return str(self._get("/text"))

    def inside(self) -> str:
        """Its text, whether it is to be seen or not."""
        return str(self._get("/property/textContent"))

    def attribute(self, name: str) -> str | None:
        return self._get(f"/attribute/{name}")

    def label(self) -> str:
        """The name that a screen reader says."""
        return str(self._get("/computedlabel"))

    def click(self) -> None:
        self.browser.command("POST", f"/element/{self.reference}/click", {})

    def type(self, text: str) -> None:
        self.browser.command("POST", f"/element/{self.reference}/value", {"text": text})

    def choose(self, value: str) -> None:
        """Chooses an option of a select."""
        self.one(f'option[value="{value}"]').click()

    def shoot(self, path: Path) -> None:
        """All of it, also what is beyond the window."""
        script = (
            "const r = arguments[0].getBoundingClientRect(); return [r.x + scrollX, r.y + scrollY, r.width, r.height];"
        )
        x, y, width, height = self.browser.run(script, {ELEMENT: self.reference})
        self.browser.shoot(path, {"x": x, "y": y, "width": width, "height": height, "scale": 1})


class Browser:
    """One headless browser with a profile of its own, in `folder`."""

    def __init__(self, folder: Path) -> None:
        missing = [name for name in ("chromium", "chromedriver") if not shutil.which(name)]
        if missing:
            raise SystemExit(f"missing: {', '.join(missing)} (Debian: chromium, chromium-driver)")
        self.port = free_port()
        with (folder / "chromedriver.log").open("wb") as log:
            self.process = subprocess.Popen(
                ["chromedriver", f"--port={self.port}"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # The browsers that it starts end with it.
                start_new_session=True,
            )
        self.session = ""
        try:
            self._wait_for_driver()
            flags = ["--headless=new", "--disable-gpu", "--disable-dev-shm-usage", f"--user-data-dir={folder}/profile"]
            # Nothing of its own goes out: whatever it loads is the page's doing.
            flags += ["--disable-background-networking", "--disable-component-update", "--no-first-run"]
            if os.geteuid() == 0:
                flags.append("--no-sandbox")
            wanted = {
                "browserName": "chrome",
                "goog:chromeOptions": {"binary": shutil.which("chromium"), "args": flags},
                "goog:loggingPrefs": {"browser": "ALL"},
            }
            made = self._ask("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
            self.session = f"/session/{made['sessionId']}"
        except BaseException:
            self.close()
            raise

    def _wait_for_driver(self) -> None:
        for _ in range(600):
            with suppress(OSError):
                if self._ask("GET", "/status")["ready"]:
                    return
            time.sleep(0.1)
        raise SystemExit("chromedriver is not ready after a minute")

    def _ask(self, method: str, path: str, value: dict[str, Any] | None = None) -> Any:
        body = None if value is None else json.dumps(value).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", body, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as refused:
            told = json.load(refused)["value"]
            if told["error"] in {"stale element reference", "element click intercepted", "element not interactable"}:
                raise GoneError(told["message"].splitlines()[0]) from None
            raise AssertionError(f"{told['error']}: {told['message'].splitlines()[0]}") from None

    def command(self, method: str, path: str, value: dict[str, Any] | None = None) -> Any:
        return self._ask(method, self.session + path, value)

    def open(self, url: str) -> None:
        self.command("POST", "/url", {"url": url})

    def run(self, script: str, *arguments: Any) -> Any:
        """Runs JavaScript that returns."""
        return self.command("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def finish(self, script: str) -> Any:
        """Runs JavaScript that gives a promise, and what it comes to."""
        called = f"const done = arguments[arguments.length - 1]; ({script}).then(done, (e) => done(String(e)))"
        return self.command("POST", "/execute/async", {"script": called, "args": []})

    def size(self, width: int, height: int) -> None:
        """What the page has of room, in CSS pixels."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self._tools("Emulation.setDeviceMetricsOverride", metrics)

    def _tools(self, command: str, parameters: dict[str, Any]) -> Any:
        """A command of the DevTools protocol."""
        return self.command("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def all(self, selector: str, within: str = "") -> list[Element]:
        found = self.command("POST", f"{within}/elements", {"using": "css selector", "value": selector})
        return [Element(self, each[ELEMENT]) for each in found]

    def one(self, selector: str) -> Element:
        found = self.all(selector)
        assert len(found) == 1, f"{len(found)} times {selector}"
        return found[0]

    def until(self, what: str, look: Callable[[], Found], seconds: float = 15) -> Found:
        """What `look` gives as soon as it is something; what it asserts may not hold yet."""
        ends = time.monotonic() + seconds
        while True:
            why = "nothing"
            try:
                if found := look():
                    return found
            except (AssertionError, GoneError) as error:
                why = str(error)
            assert time.monotonic() < ends, f"not within {seconds:.0f} s: {what} ({why})"
            time.sleep(0.1)

    def shoot(self, path: Path, clip: dict[str, float] | None = None) -> None:
        """The window, or a part of the page."""
        parameters = {"format": "png"} | ({"clip": clip, "captureBeyondViewport": True} if clip else {})
        path.write_bytes(base64.b64decode(self._tools("Page.captureScreenshot", parameters)["data"]))

    def said(self) -> list[str]:
        """What the console was told since the last time, errors of loading and of the policy too."""
        entries = self.command("POST", "/se/log", {"type": "browser"})
        return [f"{each['level']}: {each['message']}" for each in entries]

    def close(self) -> None:
        if self.session:
            with suppress(OSError, AssertionError):
                self.command("DELETE", "")
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait(timeout=20)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
