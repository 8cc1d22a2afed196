#!/usr/bin/env python3
"""The packs for integrators (deploy/client) against a sandbox: `python packs.py --wiremock JAR [--kdp BINARY]`.

Needs Debian's openjdk-17-jdk-headless, xmlsec1, libxml2-utils, curl, openssl, groovy, mono-mcs and
libmono-system-security4.0-cil. Every item is run by its own tool, but the HTTP file, which `pack_http.py` reads and
sends, and the project of SoapUI, which cannot be had here (`pack_soapui.py` says what is held of it). A line each; exit
1 if one does not hold.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pack_http
import pack_soapui
import pack_wiremock
from check import Checks
from command import Command
from pack_client import CLIENT, CLIENTS, ROOT, Client, settings
from pack_forgery import FORGERIES, GENUINE_BY, Forger
from sandbox import Sandbox, default_binary

SERVICE = "GBDFLUniversal_token"
#: What is markup in XML, what a shell would read, and letters that only UTF-8 has.
HARD = "ЖШС «Әділет & Қ°» <i>'\"$(id)`;"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kdp", type=Path)
    parser.add_argument("--wiremock", type=Path, required=True, help="wiremock-standalone-….jar")
    arguments = parser.parse_args()
    binary = (arguments.kdp or default_binary()).resolve()
    checks = Checks()
    with tempfile.TemporaryDirectory(prefix="kdp-packs-") as name:
        folder = Path(name)
        with Sandbox(binary, folder / "data", folder / "log") as sandbox:
            # Each in a thread of its own; what they found is shown in order.
            with ThreadPoolExecutor(3) as threads:
                done = [threads.submit(client_cases, binary, sandbox, folder, kind) for kind in CLIENTS]
                for kind, each in zip(CLIENTS, done, strict=True):
                    checks.topic(kind)
                    for title, failure in each.result():
                        with checks.case(title):
                            if failure:
                                raise failure
            checks.topic("readme")
            with checks.case("its commands work as pasted, and both languages show the same"):
                readme(binary, sandbox, folder)
            checks.topic("soapui")
            pack_soapui.run(checks, sandbox, folder)
        checks.topic("one source")
        with checks.case("what lies here is what the generator makes"):
            check = [sys.executable, CLIENT / "make/make.py", "--check"]
            made = subprocess.run(check, capture_output=True, text=True, check=False)
            assert made.returncode == 0, made.stdout + made.stderr
        with Sandbox(binary, folder / "seeded", folder / "log", more=["--seed", "1"]) as sandbox:
            checks.topic("http")
            pack_http.run(checks, sandbox)
            checks.topic("csharp")
            pack_http.run_samples(checks, sandbox, folder)
        checks.topic("wiremock")
        pack_wiremock.run(checks, binary, arguments.wiremock, folder)
    return checks.summary()


def client_cases(binary: Path, sandbox: Sandbox, folder: Path, kind: str) -> list[tuple[str, Exception | None]]:
    """Every case of one client, with what failed in it."""
    environment = settings(sandbox)
    client = Client(kind, folder)
    command = Command(binary, folder / "data")
    keys = folder / f"jwks-{kind}.json"

    def accepted(**changed: str) -> Callable[[], None]:
        def judge() -> None:
            said = client.run(environment | changed)
            assert said.code == 0, f"exit {said.code}: {said.out[-300:]} {said.err[-300:]}"
            token = said.out.splitlines()[-1]
            claims = ["--uin", environment["KDP_UIN"], "--service", SERVICE]
            shown = command.bare("token", "verify", token, "--jwks", str(keys), *claims)
            assert shown.code == 3 and "valid (" in shown.out, shown
            assert environment["KDP_UIN"] in said.out.partition("token\n")[0], "the claims are not shown"

        return judge

    def refused(code: int, *words: str, **changed: str) -> Callable[[], None]:
        def judge() -> None:
            said = client.run(environment | changed)
            assert said.code == code, f"exit {said.code}, expected {code}: {said.out[-300:]} {said.err[-300:]}"
            missing = [word for word in words if word not in said.out + said.err]
            assert not missing, f"not told: {missing}: {said.out} {said.err}"
            assert "token\n" not in said.out, "a token is shown"

        return judge

    def forged(name: str) -> Callable[[], None]:
        def judge() -> None:
            with Forger(name) as forger:
                said = client.run(environment | forger.settings)
            expected = 0 if name in GENUINE_BY else 2
            assert said.code == expected, f"exit {said.code}, expected {expected}: {said.out[-200:]} {said.err[-300:]}"
            assert expected == 0 or (said.err.strip() and not said.out.strip()), f"shown: {said.out[:200]}"

        return judge

    keys.write_bytes(fetched(sandbox, "/.well-known/jwks.json"))
    no, silent = sandbox.subject("no").iin, sandbox.subject("no-phone").iin
    cases = {
        "method 2: signed, accepted, token read": accepted(),
        "method 1: asks again until the subject has answered": accepted(KDP_METHOD="1"),
        "a name with markup and Kazakh letters": accepted(KDP_COMPANY=HARD),
        "the same where there is no locale": accepted(KDP_COMPANY=HARD, LANG="C"),
        "the subject's no": refused(1, "INVALID", "subject-refused", KDP_METHOD="1", KDP_UIN=no),
        "no number in БМГ": refused(1, "NOT_FOUND", "no-phone", KDP_METHOD="1", KDP_UIN=silent),
        "wrong data: the element is named": refused(1, "SCSE002", "uin", KDP_UIN="800101399010"),
        "a fault is readable: code, message, what to do": refused(1, "KDP401", "what to do   ", KDP_PASSWORD="wrong"),
        "signed by the wrong key": refused(1, "SCE006", KDP_KEY=str(folder / "data/pki/akimat.key.pem")),
        "a setting that is missing is named": refused(client.missing, "KDP_PASSWORD", KDP_PASSWORD=""),
        **{f"an answer that is {name}": forged(name) for name in FORGERIES},
    }
    return [(title, failure_of(case)) for title, case in cases.items()]


def failure_of(case: Callable[[], None]) -> Exception | None:
    try:
        case()
    except Exception as error:
        return error
    return None


def fetched(sandbox: Sandbox, path: str) -> bytes:
    with urllib.request.urlopen(f"http://127.0.0.1:{sandbox.port}{path}", timeout=20) as answer:
        return answer.read()


def readme(binary: Path, sandbox: Sandbox, folder: Path) -> None:
    """The commands after the first, which starts the sandbox, in one shell, where the reader stands."""
    shown = [commands((CLIENT / name).read_text(encoding="utf-8")) for name in ("README.md", "README.ru.md")]
    assert shown[0] == shown[1], "other commands in Russian"
    assert len(shown[0]) >= 8 and shown[0][0].startswith("kdp sandbox"), shown[0]
    here = folder / "here"
    here.mkdir()
    # `sandbox-data` is where a sandbox keeps its data unless told otherwise.
    for name, to in (("deploy", ROOT / "deploy"), ("fixtures", ROOT / "fixtures"), ("sandbox-data", folder / "data")):
        (here / name).symlink_to(to)
    python = Path(sys.executable).parent
    # The sandbox of the reader listens where it does unless told otherwise; this one may not.
    origin = f"http://127.0.0.1:{sandbox.port}"
    script = "\n".join(shown[0][1:]).replace("settings.py", f"settings.py --url {origin}")
    script = script.replace("kdp send", f"kdp send --url {origin}/shep/sync")
    ran = subprocess.run(
        ["bash", "-euxo", "pipefail", "-c", script],
        cwd=here,
        env={"PATH": f"{binary.parent}:{python}:/usr/local/bin:/usr/bin:/bin", "HOME": str(here), "LANG": "C.UTF-8"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, f"exit {ran.returncode}: {ran.stderr[-600:]}"
    assert ran.stdout.count("status       VALID") == 6 and "gostr34102015" in ran.stdout, ran.stdout


def commands(text: str) -> list[str]:
    blocks = text.split("```")[1::2]
    return [line[2:] for block in blocks for line in block.splitlines() if line.startswith("$ ")]


if __name__ == "__main__":
    needed = ["java", "javac", "keytool", "xmlsec1", "xmllint", "curl", "openssl", "groovy", "mcs", "mono"]
    if missing := [name for name in needed if shutil.which(name) is None]:
        raise SystemExit(f"missing: {', '.join(missing)}")
    sys.exit(main())
