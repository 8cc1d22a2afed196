"""An installation of `kdp serve` as an operator would make it: by commands and files, with keys of OpenSSL."""

from __future__ import annotations

import json
import os
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path

from dsig import Signer
from sandbox import Peer, free_port

BIN = "260140990117"
SERVICE = "GBDFLUniversal_token"
# Where it listens, and where its state lives.
PLACE = """\
[listen]
public = "127.0.0.1:{public}"
admin = "127.0.0.1:{admin}"

[database]
url = "sqlite://{folder}/kdp.db"
seal_keys = "{folder}/seal.keys"
lookup_key = "{folder}/lookup.key"
"""
CONFIG = """
[token]
key_lead_hours = 0

[trust]
certificate = "{folder}/service.cert.pem"
key = "{folder}/service.key.pem"

[peers.shep]
kind = "gateway"
certificates = ["{folder}/shep.cert.pem"]
"""


class Installation:
    """Configuration, keys, database, an operator for each duty and one initiator, `bank`; not started."""

    def __init__(
        self, binary: Path, folder: Path, more: str = "", methods: str = "2", place: str | None = None
    ) -> None:
        """`more`: other sections of the configuration, with the same placeholders; `methods` of the initiator; `place`:
        sections that say where it listens and where its state lives, when it is not a file."""
        self.binary, self.folder = binary, folder
        self.config = folder / "kdp.toml"
        self.public, self.admin = free_port(), free_port()
        self.more = more
        self.configure(self.config, place or PLACE.format(public=self.public, admin=self.admin, folder=folder))
        self.login: dict[str, str] = {}
        _, self.shep, _ = (self.pair(name) for name in ("service", "shep", "bank"))
        self.kdp("keys", "init")
        self.kdp("migrate")
        self._first_operator()
        self._auditor()
        self.kdp("keys", "generate")
        added = self.kdp(
            "initiator", "add", "--sender-id", "bank", "--name", "Bank", "--bin", BIN, "--methods", methods,
            "--basis", "agreement 17", "--own-means", "bank", "--protocol", "protocol-17",
            "--services", SERVICE, "--ovt-key", str(folder / "bank.cert.pem"), "--json",
        )  # fmt: skip
        signer = Signer(str(folder / "bank.key.pem"), str(folder / "bank.cert.pem"))
        password = json.loads(added)["password"]
        allowed = [int(method) for method in methods.split(",")]
        self.bank = Peer("bank", "gateway", "initiator", BIN, "bank", password, signer, allowed, [SERVICE])
        self.start_script, self.stop_script = folder / "start.sh", folder / "stop.sh"
        pid, log = folder / "kdp.pid", folder / "kdp.log"
        # As a service manager does: started apart from who asks for it, stopped by SIGTERM and waited for.
        self.start_script.write_text(
            f"setsid {binary} serve --config {self.config} </dev/null >>{log} 2>&1 & echo $! >{pid}\n"
        )
        self.stop_script.write_text(
            f"kill -TERM $(cat {pid})\nwhile kill -0 $(cat {pid}) 2>/dev/null; do sleep 0.05; done\n"
        )
        self.environment = {
            **os.environ,
            "KDP": str(binary),
            "CONFIG": str(self.config),
            "START": f"bash {self.start_script}",
            "STOP": f"bash {self.stop_script}",
            "RELOAD": f"bash {folder}/reload.sh",
            "READY": f"http://127.0.0.1:{self.admin}/health/ready",
            "JWKS": f"http://127.0.0.1:{self.public}/.well-known/jwks.json",
        }
        # Rereading takes a moment, and nothing tells when it is done.
        (folder / "reload.sh").write_text(f"kill -HUP $(cat {pid})\nsleep 1\n")
        self._pid = pid

    def configure(self, file: Path, place: str) -> None:
        """Writes the configuration of a node of it."""
        rest = (CONFIG + self.more).format(public=self.public, admin=self.admin, folder=self.folder)
        file.write_text(f'environment = "test"\n\n{place}{rest}')

    def pair(self, name: str) -> Signer:
        """A private key and a certificate of its own for signing messages, from today."""
        key, cert = self.folder / f"{name}.key.pem", self.folder / f"{name}.cert.pem"
        self._run(
            "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", str(key), "-out", str(cert),
            "-days", "3650", "-subj", f"/CN={name}/OU=BIN{BIN}/C=KZ",
            "-addext", "keyUsage=critical,digitalSignature,nonRepudiation",
            "-addext", "basicConstraints=critical,CA:FALSE",
        )  # fmt: skip
        key.chmod(0o600)
        return Signer(str(key), str(cert))

    def kdp(self, *words: str) -> str:
        """A command about this installation; anything but exit 0 is a failure."""
        return self._run(str(self.binary), *words, "--config", str(self.config))

    def script(self, name: str, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """A script of the runbook, whatever its exit code."""
        path = Path(__file__).resolve().parents[2] / "deploy/runbook" / name
        return subprocess.run(
            ["bash", str(path), *words],
            env={**self.environment, **self.login, **environment},
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def plain(self, command: list[str]) -> int:
        """The exit code of any command."""
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False)
        return done.returncode

    def start(self) -> None:
        self._run("bash", str(self.start_script))
        deadline = time.monotonic() + 30
        while self._run("curl", "-s", "-m", "5", self.environment["READY"], check=False) != "ready":
            assert time.monotonic() < deadline, f"not ready; its log is {self.folder}/kdp.log"
            time.sleep(0.1)

    def kill(self) -> None:
        """As a power cut does."""
        self._run("bash", "-c", f"kill -9 $(cat {self._pid}); while kill -0 $(cat {self._pid}); do sleep 0.01; done")

    def metric(self, name: str) -> float:
        """The figure of this name and labels in `/metrics`; 0 where there is none yet."""
        text = self._run("curl", "-s", "-m", "5", f"http://127.0.0.1:{self.admin}/metrics")
        told = [line.rsplit(" ", 1)[1] for line in text.splitlines() if line.startswith(f"{name} ")]
        return float(told[0]) if told else 0.0

    def stop(self) -> None:
        if self._pid.exists():
            self._run("bash", str(self.stop_script), check=False)

    def now(self) -> datetime:
        """The service's clock is the machine's."""
        return datetime.now(UTC)

    def as_operator(self, name: str) -> dict[str, str]:
        """What makes a command or a script one of this operator's."""
        return {"KDP_OPERATOR": name, "KDP_OPERATOR_PASSWORD_FILE": str(self.folder / f"{name}.password")}

    def _first_operator(self) -> None:
        """Registrar and security officer: whoever has the files makes the first one."""
        password = self._secret("first.password", "a password of the runbook")
        self.kdp(
            "operator", "add", "first", "--full-name", "First Officer", "--roles", "security-officer,registrar",
            "--new-password-file", password,
        )  # fmt: skip
        self.login = self.as_operator("first")

    def _auditor(self) -> None:
        """The auditor changes the password that was given, before anything else."""
        added = self.kdp("operator", "add", "auditor", "--full-name", "An Auditor", "--roles", "auditor", "--json")
        given = self._secret("given.password", json.loads(added)["password"])
        own = self._secret("auditor.password", "another password of the runbook")
        self.kdp("operator", "password", "--new-password-file", own, "--operator", "auditor", "--password-file", given)

    def _secret(self, name: str, text: str) -> str:
        path = self.folder / name
        path.touch(mode=0o600)
        path.write_text(text + "\n")
        return str(path)

    def _run(self, *command: str, check: bool = True) -> str:
        done = subprocess.run(
            command,
            env={**os.environ, **self.login},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert not check or done.returncode == 0, f"{' '.join(command[:3])}: {done.stderr.strip()[:500]}"
        return done.stdout
