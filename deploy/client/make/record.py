"""The answers that WireMock gives: asked once of a real sandbox with the seed of world.json, at its fixed time."""

import json
import subprocess
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

import pack
import prepared
import world
from lxml import etree

ANSWERS = pack.CLIENT / "wiremock" / "__files"


def answers(binary: Path, to: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        command = [binary, "sandbox", "--listen", "127.0.0.1:0", "--data", folder, "--seed", str(world.WORLD["seed"])]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as sandbox:
            try:
                origin = sandbox.stdout.readline().split()[1].removesuffix("/shep/sync")
                to.mkdir(parents=True, exist_ok=True)
                for name, octets in told(origin).items():
                    (to / name).write_bytes(octets)
            finally:
                sandbox.terminate()


def told(origin: str) -> dict[str, bytes]:
    """Each answer by the name of its file."""
    clock(origin, {"set": world.WORLD["now"]})
    requests = {Path(name).stem: text for name, text in prepared.requests().items()}
    made = {
        "method-2.VALID.xml": post(origin, requests["method-2"]),
        "method-1.PENDING.xml": post(origin, requests["method-1"]),
        "no-phone.NOT_FOUND.xml": post(origin, requests["method-1-no-phone"]),
        "changed-after-signing.SCE006.xml": post(origin, requests["pretty-printed-after-signing"]),
        "sha-1.SCE006.xml": post(origin, requests["sha-1"]),
        "not-signed.SCE007.xml": post(origin, requests["not-signed"]),
    }
    clock(origin, {"advance": "PT10S"})
    request_id = etree.fromstring(made["method-1.PENDING.xml"]).findtext(".//{*}data/{*}request_id")
    repeat = prepared.signed("repeat", omit_sms="false", ovt=None, request_id=request_id)
    return made | {"method-1-repeat.VALID.xml": post(origin, repeat),
                   "jwks.json": post(origin, None, "/.well-known/jwks.json")}


def clock(origin: str, moved: dict[str, str]) -> None:
    post(origin, json.dumps(moved), "/sandbox/clock")


def post(origin: str, body: str | None, path: str = "/shep/sync") -> bytes:
    request = urllib.request.Request(origin + path, body and body.encode(), {"Content-Type": "text/xml; charset=utf-8"})
    if path == "/sandbox/clock":
        request.add_header("Content-Type", "application/json")
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.read()
    except urllib.error.HTTPError as answer:
        return answer.read()
