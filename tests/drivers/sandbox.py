"""`kdp sandbox` as a child process, and its JSON surface (surface.md "Sandbox")."""

from __future__ import annotations

import json
import os
import queue
import signal
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self

from dsig import Signer

BEHAVIOURS = {
    "yes",
    "no",
    "silent",
    "late",
    "twice",
    "garbage-then-yes",
    "fraud",
    "no-phone",
    "shared-phone",
    "bmg-down",
    "sms-down",
    "reads-code",
    "manual",
}


@dataclass(frozen=True)
class Peer:
    """A registered party; `sender_id` and `password` identify it behind the gateway."""

    name: str
    kind: str
    role: str
    bin: str | None
    sender_id: str | None
    password: str | None
    signer: Signer
    methods: list[int]
    services: list[str]


@dataclass(frozen=True)
class Subject:
    """A citizen of the sandbox."""

    iin: str
    name: str
    msisdn: str | None
    behaviour: str


def default_binary() -> Path:
    """target/release/kdp or target/debug/kdp, whichever is newer."""
    target = Path(os.environ.get("CARGO_TARGET_DIR", Path(__file__).resolve().parents[2] / "target"))
    built = [path for path in (target / "release/kdp", target / "debug/kdp") if path.is_file()]
    if not built:
        raise SystemExit("no kdp binary: build it, or name it with --kdp")
    return max(built, key=lambda path: path.stat().st_mtime)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Sandbox:
    """One run of the server; start, ask, stop. The data directory is the caller's."""

    def __init__(
        self,
        binary: Path,
        data: Path,
        log: Path,
        under: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        more: Sequence[str] = (),
    ) -> None:
        """`under`: a command that runs it, and keeps its process id; `environment`, and flags, beside the usual."""
        self.port = free_port()
        self.log = log
        # Set before it is ended on purpose: when its process is gone, and waited for, is seen later.
        self.ending = False
        started = time.monotonic()
        with log.open("ab") as stderr:
            self.process = subprocess.Popen(
                [*under, str(binary), "sandbox", "--listen", f"127.0.0.1:{self.port}", "--data", str(data), *more],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=stderr,
                env={**os.environ, **(environment or {})},
            )
        self._lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._read_stdout, daemon=True).start()
        try:
            first = self._lines.get(timeout=30)
        except queue.Empty:
            self.process.kill()
            raise SystemExit(f"the sandbox was not ready in 30 s; its log is {log}") from None
        self.start_seconds = time.monotonic() - started
        expected = f"ready http://127.0.0.1:{self.port}/shep/sync"
        assert first == expected, f"first line on stdout is {first!r}, expected {expected!r}; log {log}"
        self.refresh()

    def _read_stdout(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line.decode().rstrip("\n"))
        self._lines.put("")

    def refresh(self) -> None:
        """Reads GET /sandbox and sets the distance between its clock and the host's."""
        self.info: dict[str, Any] = self.get("/sandbox")
        self._set_clock()
        self.peers = {
            each["name"]: Peer(
                each["name"],
                each["kind"],
                each["role"],
                each["bin"],
                each["sender_id"],
                each["password"],
                Signer(each["key"], each["cert"]),
                each["methods"],
                each["services"],
            )
            for each in self.info["peers"]
        }
        self.subjects = [
            Subject(each["iin"], each["name"], each["msisdn"], each["behaviour"]) for each in self.info["subjects"]
        ]

    def _set_clock(self) -> None:
        shown = datetime.fromisoformat(self.info["now"])
        assert shown.utcoffset() is not None, "now without an offset"
        self.clock_ahead = shown.timestamp() - time.time()

    def now(self) -> datetime:
        """The service's clock."""
        zone = datetime.fromisoformat(self.info["now"]).tzinfo
        return datetime.fromtimestamp(time.time() + self.clock_ahead, zone)

    def advance(self, period: str) -> None:
        """Advances the clock; when it returns, all work due by then is done."""
        self.post("/sandbox/clock", {"advance": period})
        self.info["now"] = self.get("/sandbox")["now"]
        self._set_clock()

    def set_clock(self, moment: datetime) -> None:
        """Sets the clock; when it returns, all work due by then is done."""
        self.post("/sandbox/clock", {"set": moment.isoformat()})
        self.info["now"] = self.get("/sandbox")["now"]
        self._set_clock()

    def subject(self, behaviour: str) -> Subject:
        found = [each for each in self.subjects if each.behaviour == behaviour]
        assert found, f"no subject {behaviour}"
        return found[0]

    def inbox(self, msisdn: str) -> list[str]:
        """Texts of the SMS that a phone received, newest last."""
        return [each["text"] for each in self.get(f"/sandbox/phone/{msisdn}")]

    def answer(self, msisdn: str, text: str) -> None:
        """The subject answers by SMS."""
        self.post(f"/sandbox/phone/{msisdn}", {"text": text})
        # Two replies at one instant would have no order.
        self.advance("PT1S")

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=30) as answer:
            return json.load(answer)

    def post(self, path: str, value: Any) -> Any:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            json.dumps(value).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def kill(self) -> None:
        """kill -9, as a power cut would."""
        self.ending = True
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(timeout=30)

    def stop(self) -> tuple[int, list[str]]:
        """SIGTERM; the exit code, and what stdout said after `ready`."""
        self.ending = True
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=40)
        rest = []
        while (line := self._lines.get(timeout=5)) != "":
            rest.append(line)
        return code, rest

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.kill()


def in_future(moment: datetime, **period: float) -> int:
    """Seconds since the epoch, for claims."""
    return int((moment + timedelta(**period)).timestamp())
