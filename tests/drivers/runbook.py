#!/usr/bin/env python3
"""The procedures of `deploy/runbook.md`, by nothing but its scripts: `python runbook.py [--kdp BINARY]`.

Under load, where the runbook says that no request is lost. A line each; exit 1 if one does not hold.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import threading
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Self

from dsig import Signer
from installation import SERVICE, Installation
from kdp_client import Caller, Line
from procedure import run
from reply import is_fault, parse, read_fault, read_reply
from sandbox import default_binary

SUBJECT = "800101399015"
ASTANA = timezone(timedelta(hours=5))


class Client(Caller):
    """Asks by method 2; what comes is told by a word."""

    def __init__(self, installation: Installation, signer: Signer) -> None:
        self.sandbox, self.signer, self.initiator = installation, signer, installation.bank
        self.line = Line(installation.public)

    def outcome(self, token: str) -> tuple[str, str]:
        """Status or fault code, and the security token if there is one."""
        fields = self.fields(SUBJECT, [SERVICE], omit_sms="true", ovt=token)
        root = parse(self.line.post(self.signed(self.message(fields))).body)
        if is_fault(root):
            return read_fault(root).error_code or "fault", ""
        reply = read_reply(root)
        return reply.status or reply.info_code, reply.token if reply.status == "VALID" else ""

    def grant(self) -> tuple[str, str]:
        """A new ask, which must be granted: its verification token and the security token."""
        ovt = self.ovt()
        status, token = self.outcome(ovt)
        assert status == "VALID", f"not granted: {status}"
        return ovt, token


@dataclass
class Load:
    """Asks on and on, and keeps every outcome that is not a grant."""

    installation: Installation
    signer: Signer
    granted: int = 0
    refused: list[str] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self._thread.join()

    def _run(self) -> None:
        client = Client(self.installation, self.signer)
        signer = self.signer
        while not self.stop.is_set():
            if self.signer is not signer:
                signer = self.signer
                client = Client(self.installation, signer)
            try:
                status, _ = client.outcome(client.ovt())
            except OSError as error:
                status = type(error).__name__
                client = Client(self.installation, signer)
            if status == "VALID":
                self.granted += 1
            else:
                self.refused.append(status)
            time.sleep(0.01)


def succeeds(installation: Installation, name: str, *words: str, **environment: str) -> str:
    done = installation.script(name, *words, **environment)
    assert done.returncode == 0, f"{name}: exit {done.returncode}\n{done.stdout[-800:]}\n{done.stderr[-800:]}"
    return done.stdout


def gateway_certificate(installation: Installation) -> str:
    """The gateway changes its certificate: no request is lost, and the old one is refused at the end."""
    old = Signer(str(installation.folder / "shep.key.pem"), str(installation.folder / "shep.cert.pem"))
    new = installation.pair("shep-2")
    name = "replace-gateway-certificate.sh"
    with Load(installation, old) as load:
        time.sleep(0.5)
        succeeds(installation, name, "shep", new.cert_path)
        load.signer = new
        time.sleep(1)
        succeeds(installation, name, "shep", "--remove", str(installation.folder / "shep.cert.pem"))
        time.sleep(0.5)
    assert not load.refused, f"refused meanwhile: {load.refused[:5]}"
    status, _ = Client(installation, old).outcome(Client(installation, new).ovt())
    assert status == "SCE005", f"the old certificate is still taken: {status}"
    nonsense = installation.folder / "nonsense.pem"
    nonsense.write_text("no certificate\n")
    before = installation.config.read_text()
    assert installation.script(name, "shep", str(nonsense)).returncode != 0
    assert installation.config.read_text() == before, "a certificate that is none has changed the configuration"
    return f"{load.granted} granted meanwhile, 0 refused"


def every_key(installation: Installation) -> str:
    """Every key is replaced under load; tokens of before stay what they were."""
    gateway = Signer(str(installation.folder / "shep-2.key.pem"), str(installation.folder / "shep-2.cert.pem"))
    client = Client(installation, gateway)
    ovt, token = client.grant()
    kids = {key["kid"] for key in client.jwks()["keys"]}
    new = installation.pair("service-2")
    copies = installation.folder / "copies"
    copies.mkdir()
    with Load(installation, gateway) as load:
        out = succeeds(
            installation, "rotate-keys.sh",
            SERVICE_KEY=new.key_path, SERVICE_CERT=new.cert_path, KEY_COPY=str(copies), RESEAL_MINUTES="2",
        )  # fmt: skip
    assert not load.refused, f"refused meanwhile: {load.refused[:5]}"
    client = Client(installation, gateway)
    assert client.outcome(ovt) == ("VALID", token), "the token of before is another one"
    published = {key["kid"] for key in client.jwks()["keys"]}
    assert kids < published and len(published) == len(kids) + 2, "keys of before and after are published"
    sealing = json.loads(installation.kdp("seal-key", "list", "--count", "--json"))
    assert [key["number"] for key in sealing["keys"]] == [2], sealing
    assert "done" in out
    kept = sorted(len(copy.read_text().split()) // 2 for copy in copies.iterdir())
    assert kept == [1, 2], f"copies of the key file hold {kept} keys"
    return f"{load.granted} granted meanwhile, 0 refused"


def backup(installation: Installation) -> str:
    """What was granted before the backup is there after its restore; what came after is not."""
    gateway = Signer(str(installation.folder / "shep-2.key.pem"), str(installation.folder / "shep-2.cert.pem"))
    before = [Client(installation, gateway).grant() for _ in range(20)]
    file = installation.folder / "backup.db"
    with Load(installation, gateway) as load:
        installation.kdp("backup", str(file))
    after = Client(installation, gateway).grant()
    damaged = installation.folder / "damaged.db"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0xFF
    damaged.write_bytes(content)
    Path(f"{damaged}.manifest").write_text(Path(f"{file}.manifest").read_text())
    assert installation.script("restore-backup.sh", str(damaged)).returncode != 0, "a damaged backup was restored"
    # The script has started the service again, with everything as it was.
    assert Client(installation, gateway).outcome(after[0]) == ("VALID", after[1])
    succeeds(installation, "restore-backup.sh", str(file))
    client = Client(installation, gateway)
    for ovt, token in before:
        assert client.outcome(ovt) == ("VALID", token), "a grant of before the backup is lost"
    status, token = client.outcome(after[0])
    assert status == "VALID" and token != after[1], "what came after the backup is in it"
    return f"{len(before)} grants kept, {load.granted} granted during the backup"


def journal(installation: Installation) -> str:
    """A month of the journal is exported and verified alone; a changed byte is found."""
    month = datetime.now(ASTANA).strftime("%Y-%m")
    folder = installation.folder / "export"
    folder.mkdir()
    succeeds(installation, "export-journal.sh", month, str(folder), **installation.as_operator("auditor"))
    file = folder / f"journal-{month}.jsonl"
    text = file.read_text()
    assert SUBJECT not in text and "ovt" in text
    changed = folder / "changed.jsonl"
    changed.write_text(text.replace('"granted"', '"refused"', 1))
    assert changed.read_text() != text
    command = [str(installation.binary), "journal", "verify", "--file", str(changed)]
    assert installation.plain([*command, "--unauthenticated"]) == 1, "a changed export was taken"
    command[-1] = str(file)
    assert installation.plain(command) == 2, "an export was believed whose keys nobody vouched for"
    again = {"COPY": str(file), **installation.as_operator("auditor")}
    succeeds(installation, "export-journal.sh", month, str(installation.folder), **again)
    return f"{text.count(chr(10))} lines verified"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kdp", type=Path, default=None)
    binary = (parser.parse_args().kdp or default_binary()).resolve()
    with tempfile.TemporaryDirectory(prefix="kdp-runbook-") as folder:
        installation = Installation(binary, Path(folder))
        try:
            installation.start()
            return run(installation, (gateway_certificate, every_key, backup, journal))
        finally:
            installation.stop()


if __name__ == "__main__":
    raise SystemExit(main())
