"""Three members of the database with Patroni and etcd, from the files of `deploy/cluster`, on ports of loopback."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cluster import account
from cluster.authority import Authority
from sandbox import free_port

FILES = Path(__file__).resolve().parents[3] / "deploy/cluster"
POSTGRES_BIN = Path("/usr/lib/postgresql/15/bin")
#: Debian's Python, with which its Patroni was installed.
PATRONI = ["/usr/bin/python3", "/usr/bin/patroni"]
ADDRESS = "127.0.0.1"


@dataclass(eq=False)
class Member:
    """One machine of the database."""

    name: str
    folder: Path
    postgres_port: int
    patroni_port: int
    etcd_port: int
    environment: Path
    etcd: subprocess.Popen[bytes] | None = None
    patroni: subprocess.Popen[bytes] | None = None

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def postgres(self) -> list[int]:
        """The postmaster, first, and all that it started."""
        with contextlib.suppress(OSError, ValueError, IndexError):
            first = int((self.data / "postgres/postmaster.pid").read_text().split()[0])
            if "postgres" in Path(f"/proc/{first}/cmdline").read_text():
                return [first, *account.children(first)]
        return []


@dataclass
class Members:
    """`listen`: addresses beside loopback on which PostgreSQL is reached too, by nodes in a network of their own."""

    folder: Path
    listen: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.folder.mkdir(mode=0o755)
        self.authority = Authority(self.folder)
        self.password = secrets.token_hex(16)
        names = ["db1", "db2", "db3"]
        ports = {name: [free_port() for _ in range(4)] for name in names}
        hosts = ",".join(f"{ADDRESS}:{ports[name][0]}" for name in names)
        self.cluster = self.folder / "cluster.env"
        self.values = {
            "ETCD_CLUSTER": ",".join(f"{name}=https://{ADDRESS}:{ports[name][3]}" for name in names),
            "ETCD_HOSTS": ",".join(f"{ADDRESS}:{ports[name][2]}" for name in names),
            "POSTGRES_BIN": str(POSTGRES_BIN),
            "MEMBERS_NETWORK": f"{ADDRESS}/32",
            "NODES_NETWORK": "0.0.0.0/0" if self.listen else f"{ADDRESS}/32",
            "SUPERUSER": account.NAME,
            "SUPERUSER_PASSWORD": secrets.token_hex(16),
            "REPLICATOR_PASSWORD": secrets.token_hex(16),
            "KDP_PASSWORD": self.password,
            "POSTGRES_HOSTS": hosts,
        }
        write(self.cluster, self.values)
        self.members = [self._member(name, *ports[name]) for name in names]

    def _member(self, name: str, postgres: int, patroni: int, etcd: int, etcd_peer: int) -> Member:
        folder = self.folder / name
        folder.mkdir(mode=0o700)
        data = folder / "data"
        data.mkdir(mode=0o700)
        certificate, key = self.authority.certify(name, [ADDRESS, *self.listen], folder)
        environment = folder / "machine.env"
        write(
            environment,
            {
                "NAME": name,
                "ADDRESS": ADDRESS,
                "LISTEN": ",".join([ADDRESS, *self.listen]),
                "DATA": str(data),
                "CERTIFICATE": str(certificate),
                "KEY": str(key),
                "AUTHORITY": str(self.authority.certificate),
                "WATCHDOG": "off",
                "POSTGRES_PORT": str(postgres),
                "PATRONI_PORT": str(patroni),
                "ETCD_PORT": str(etcd),
                "ETCD_PEER_PORT": str(etcd_peer),
            },
        )
        member = Member(name, folder, postgres, patroni, etcd, environment)
        filled = self.fill([environment], [FILES / "etcd.conf.yml", FILES / "patroni.yml"], folder)
        account.own([folder, data, *filled])
        return member

    def fill(self, environments: list[Path], files: list[Path], folder: Path) -> list[Path]:
        """By the script of `deploy/cluster`, over its examples."""
        examples = [FILES / "cluster.env", FILES / "machine.env"]
        words = [str(each) for each in [*examples, self.cluster, *environments, *files]]
        done = subprocess.run(
            [sys.executable, str(FILES / "fill.py"), *words, "--to", str(folder)],
            capture_output=True, text=True, timeout=30, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return [Path(line) for line in done.stdout.splitlines()]

    # --- their life -----------------------------------------------------------------------------------

    def start(self) -> None:
        """Until one leads, and the two others follow it, one of them in step."""
        for member in self.members:
            member.etcd = account.start(
                ["etcd", "--config-file", str(member.folder / "etcd.conf.yml")], member.folder / "etcd.log"
            )
        self.begin(self.members[0])
        wait(lambda: self.leader() is not None, "no member leads", 90)
        for member in self.members[1:]:
            self.begin(member)
        self.complete(90)
        leader = self.leader()
        assert leader is not None
        words = ["-v", f"password={self.password}", "-f", str(FILES / "role.sql")]
        self.psql(leader, "postgres", *words)

    def begin(self, member: Member) -> None:
        """Starts Patroni there."""
        command = [*PATRONI, str(member.folder / "patroni.yml")]
        member.patroni = account.start(command, member.folder / "patroni.log")

    def kill(self, member: Member, database: bool = True) -> None:
        """kill -9 of Patroni, and of PostgreSQL unless `database` is false: then it leads on without a lease."""
        assert member.patroni is not None
        pids = member.postgres() if database else []
        account.send([member.patroni.pid, *pids], signal.SIGKILL)
        member.patroni.wait(timeout=10)
        account.gone(pids)

    def stop(self) -> None:
        """Ends all of it at once: nothing of it is kept."""
        for member in self.members:
            pids = member.postgres()
            processes = [each for each in (member.patroni, member.etcd) if each is not None]
            account.send([each.pid for each in processes] + pids, signal.SIGKILL)
            for process in processes:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=10)

    # --- what is seen of them -------------------------------------------------------------------------

    def state(self) -> list[dict[str, Any]]:
        """Members as Patroni tells them; none when nobody tells."""
        for member in self.members:
            with contextlib.suppress(OSError, ValueError):
                return list(self._get(member, "/cluster")["members"])
        return []

    def leader(self) -> Member | None:
        """Who holds the lease, and takes writes."""
        for member in self.members:
            with contextlib.suppress(OSError, ValueError):
                if self._get(member, "/primary")["state"] == "running":
                    return member
        return None

    def complete(self, seconds: float) -> None:
        """Waits until one leads, and both others follow, one in step."""

        def is_so() -> bool:
            roles = sorted(each["role"] for each in self.state() if each["state"] in {"running", "streaming"})
            return roles == ["leader", "replica", "sync_standby"]

        wait(is_so, "the members do not come together", seconds)

    def psql(self, member: Member, database: str, *words: str) -> str:
        """By the socket of the machine, as its superuser."""
        command = [str(POSTGRES_BIN / "psql"), "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1"]
        place = ["-h", str(member.data), "-p", str(member.postgres_port), "-U", account.NAME, "-d", database]
        done = subprocess.run(
            [*account.under(), *command, *place, *words],
            env={**os.environ, "HOME": "/", "PGCONNECT_TIMEOUT": "5"},
            capture_output=True, text=True, timeout=120, check=False, cwd="/",
        )  # fmt: skip
        assert done.returncode == 0, f"psql: {done.stderr.strip()[:300]}"
        return done.stdout

    def ask(self, sql: str) -> list[list[str]]:
        """Rows of the service's database, as its leader has them."""
        leader = self.leader()
        assert leader is not None, "nobody leads"
        return [line.split("|") for line in self.psql(leader, "kdp", "-c", sql).splitlines()]

    def _get(self, member: Member, path: str) -> Any:
        context = ssl.create_default_context(cafile=str(self.authority.certificate))
        url = f"https://{ADDRESS}:{member.patroni_port}{path}"
        with urllib.request.urlopen(url, timeout=2, context=context) as answer:
            return json.load(answer)


def write(file: Path, values: dict[str, str]) -> None:
    file.touch(mode=0o600)
    file.write_text("".join(f"{name}={value}\n" for name, value in values.items()))


def wait(condition: Callable[[], bool], otherwise: str, seconds: float) -> float:
    """Seconds that it took."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, f"{otherwise} within {seconds:.0f} s"
        time.sleep(0.1)
    return time.monotonic() - began
