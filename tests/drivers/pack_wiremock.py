"""The mappings, run by WireMock itself; the answers in them are still those of the service."""

from __future__ import annotations

import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from lxml import etree

from check import Checks
from pack_client import CLIENT, CLIENTS, ROOT, Client
from sandbox import free_port

STORED = CLIENT / "wiremock" / "__files"
PKI = ROOT / "fixtures" / "pki"
#: Elements whose text is the same each time, and is the outcome.
SAME = {"status", "reason", "reason_text", "errorCode", "errorMessage", "faultcode", "faultstring", "message"}


def run(checks: Checks, binary: Path, jar: Path, folder: Path) -> None:
    fresh = folder / "answers"
    recorded = subprocess.run(
        [sys.executable, CLIENT / "make/make.py", "--record", binary, fresh],
        capture_output=True,
        text=True,
        check=False,
    )
    assert recorded.returncode == 0, recorded.stderr
    for path in sorted(fresh.iterdir()):
        with checks.case(f"{path.name} is what the service answers"):
            assert shape(STORED / path.name) == shape(path), f"{shape(STORED / path.name)} {shape(path)}"
    with checks.case("nothing else lies there"):
        assert {path.name for path in STORED.iterdir()} == {path.name for path in fresh.iterdir()}
    port = free_port()
    command = ["java", "-jar", jar, "--port", str(port), "--bind-address", "127.0.0.1", "--disable-banner"]
    with (folder / "wiremock.log").open("wb") as log:
        server = subprocess.Popen([*command, "--root-dir", CLIENT / "wiremock"], stdout=log, stderr=log)
    try:
        await_ready(port, server, folder / "wiremock.log")
        for kind in CLIENTS:
            with checks.case(f"the client in {kind} reads a token of method 2, and of method 1 by asking again"):
                client = Client(kind, folder)
                for method in ("2", "1"):
                    said = client.run(settings(port, KDP_METHOD=method))
                    assert said.code == 0 and "token\ney" in said.out, f"{said.out} {said.err}"
                    assert ("PENDING" in said.out) == (method == "1"), said.out
        client = Client("python", folder)
        for title, code, word, changed in [
            ("a fault by the URL", 1, "SCE006", {"KDP_URL": f"http://127.0.0.1:{port}/shep/sync?mock=SCE006"}),
            ("a subject without a number", 1, "NOT_FOUND", {"KDP_METHOD": "1", "KDP_UIN": "870108499012"}),
        ]:
            with checks.case(title):
                said = client.run(settings(port, **changed))
                assert said.code == code and word in said.out, f"exit {said.code}: {said.out} {said.err}"
        prepared = {"not-signed": "SCE007", "sha-1": "SCE006", "method-1": "PENDING", "method-2": "VALID"}
        for name, word in prepared.items():
            with checks.case(f"the prepared request {name}: {word}"):
                text = post(port, (CLIENT / f"http/request/{name}.xml").read_bytes())
                assert f">{word}<" in text, text
        with checks.case("its keys are those of its tokens"):
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/.well-known/jwks.json", timeout=10) as answer:
                (folder / "wiremock-jwks.json").write_bytes(answer.read())
            token = etree.parse(STORED / "method-2.VALID.xml").findtext(".//{*}data/{*}code")
            verify = [binary, "token", "verify", token, "--jwks", folder / "wiremock-jwks.json"]
            done = subprocess.run(
                [*verify, "--at", "2026-04-01T12:05:00+05:00"], capture_output=True, text=True, check=False
            )
            assert done.returncode == 3, done.stdout + done.stderr  # no list was given
    finally:
        server.kill()
        server.wait(timeout=20)


def settings(port: int, **changed: str) -> dict[str, str]:
    """Those of the world's seed, whose answers WireMock gives."""
    return {
        "KDP_URL": f"http://127.0.0.1:{port}/shep/sync",
        "KDP_KEY": str(PKI / "bank.key.pem"),
        "KDP_CERT": str(PKI / "bank.cert.pem"),
        "KDP_TRUST": str(PKI / "service.cert.pem"),
        "KDP_PASSWORD": "any",
    } | changed


def post(port: int, body: bytes) -> str:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/shep/sync", body, {"Content-Type": "text/xml; charset=utf-8"}
    )
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.read().decode()


def await_ready(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 40
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/__admin/mappings", timeout=5).close()
            return
        except OSError:
            assert server.poll() is None and time.monotonic() < deadline, f"WireMock: {log.read_text()[-500:]}"
            time.sleep(0.2)


def shape(path: Path) -> list[tuple[str, str | None]]:
    """Elements in order, with the texts that tell the outcome; of what is no XML, that it is there."""
    if path.suffix != ".xml":
        return [(path.name, None)]
    elements = etree.parse(path).getroot().iter(etree.Element)
    return [(each.tag, each.text if etree.QName(each).localname in SAME else None) for each in elements]
