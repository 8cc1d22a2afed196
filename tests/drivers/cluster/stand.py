"""The whole of it: members of the database, two nodes of `kdp serve`, a balancer, БМГ and 1414."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import secrets
import shutil
import signal
import subprocess
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography import x509

from citizens import Citizens
from cluster import account
from cluster.members import FILES, Members, wait, write
from cluster.phones import Phones
from installation import SERVICE, Installation
from kannel import iins
from kdp_client import Line, World
from sandbox import Peer, Subject, free_port

MORE = """
[peers.bank]
kind = "direct"
certificates = ["{{folder}}/bank.cert.pem"]

[shep]
url = "{citizens}"

[bmg]
driver = "shep"

[sms]
driver = "kannel"
timeout_ms = 3000

[sms.kannel]
url = "{phones}"
username = "kdp"
password = "{{folder}}/phones.password"
callback = "http://127.0.0.1:{balancer}"
callback_secret = "{{folder}}/phones.secret"

[limits]
sms_per_subject = 100000
sms_per_initiator = 1000000
ovt_subjects = 1

[method_5]
wrong_codes_per_initiator = 1000000
"""
#: How many subjects of each behaviour a load has.
CROWD = {"yes": 25, "no": 10, "manual": 25, "reads-code": 25, "shared-phone": 10}
ANSWERS = {"yes": "ДА", "no": "ЖОҚ"}


class Node:
    """One process of `kdp serve`; `inside`: a network namespace that it runs in."""

    def __init__(self, name: str, binary: Path, folder: Path, host: str, inside: str = "") -> None:
        self.name, self.binary, self.folder, self.host = name, binary, folder, host
        self.inside = ["ip", "netns", "exec", inside] if inside else []
        self.public, self.admin = free_port(), free_port()
        self.config = folder / f"{name}.toml"
        self.log = folder / f"{name}.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, ready: bool = True) -> float:
        """Seconds until it was ready."""
        with self.log.open("ab") as log:
            command = [*self.inside, str(self.binary), "serve", "--config", str(self.config)]
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        return (
            wait(lambda: self.health() == (200, "ready"), f"{self.name} is not ready; its log is {self.log}", 60)
            if ready
            else 0
        )

    def health(self) -> tuple[int, str]:
        """Status and word of `/health/ready`; 0 when nobody answers."""
        connection = http.client.HTTPConnection(self.host, self.admin, timeout=5)
        try:
            connection.request("GET", "/health/ready")
            answer = connection.getresponse()
            return answer.status, answer.read().decode().strip()
        except OSError as error:
            return 0, type(error).__name__
        finally:
            connection.close()

    def send(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def kill(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(timeout=10)

    def stop(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=40)

    def metric(self, name: str) -> float:
        """The figure of this name in `/metrics`."""
        line = Line(self.admin, self.host)
        try:
            text = line.send("GET", "/metrics").body.decode()
        finally:
            line.close()
        return next(float(each.rsplit(" ", 1)[1]) for each in text.splitlines() if each.startswith(f"{name} "))

    def line(self) -> Line:
        return Line(self.public, self.host)


class Balanced:
    """The service as clients see it, by the balancer or by one node: what `World` and `Load` take for a sandbox."""

    def __init__(self, stand: Stand, port: int, subjects: list[Subject]) -> None:
        self.stand, self.port, self.subjects = stand, port, subjects
        self.peers = stand.peers
        self.info: dict[str, Any] = {"holds": [], "requests": [], "grounds": [], "proactive": []}
        # It never ends: what it consists of does, and that is what is tried.
        self.ending, self.process = False, self

    def poll(self) -> None:
        return None

    def now(self) -> datetime:
        return datetime.now(UTC)

    def inbox(self, number: str) -> list[str]:
        return self.stand.phones.inbox(number)

    def advance(self, _period: str) -> None:
        """The clock is the machine's: time passes by itself."""
        time.sleep(5)


class Clients(World):
    """The parties that call; see `Balanced`."""

    def __init__(self, sandbox: Any, authority: Any) -> None:
        self.sandbox, self.authority = sandbox, authority
        self.line = Line(sandbox.port)
        self.services = [SERVICE]


class Stand:
    """`listen`: addresses beside loopback on which members are reached."""

    def __init__(self, binary: Path, folder: Path, listen: list[str] | None = None) -> None:
        self.binary, self.folder = binary, folder
        self.members = Members(folder / "database", listen or [])
        self.balancer_port = free_port()
        self.phones = Phones(secrets.token_hex(16))
        self.phones.port_of_service = self.balancer_port
        self.citizens = Citizens(None, {})
        self.service = folder / "service"
        self.service.mkdir(mode=0o700)
        self.balancer: subprocess.Popen[bytes] | None = None
        self._count, self._iins, self._lock = itertools.count(), iins(), threading.Lock()
        self.peers: dict[str, Peer] = {}
        self.nodes: list[Node] = []

    def start(self) -> None:
        self.members.start()
        for name, text in (
            ("phones.password", secrets.token_hex(8)),
            ("phones.secret", self.phones.secret),
            ("database.password", self.members.password),
        ):
            file = self.service / name
            file.touch(mode=0o600)
            file.write_text(text + "\n")
        self.nodes = [Node(name, self.binary, self.service, "127.0.0.1") for name in ("kdp1", "kdp2")]
        self.installation = Installation(
            self.binary, self.service, self.more(self.nodes[0]), "1,2,5", self.place(self.nodes[0])
        )
        self.installation.config.rename(self.nodes[0].config)
        self.installation.config = self.nodes[0].config
        for node in self.nodes[1:]:
            self.configure(node)
        self.citizens.signer = self.installation.shep
        self.authority = x509.load_pem_x509_certificate((self.service / "service.cert.pem").read_bytes())
        self._register()
        for node in self.nodes:
            node.start()
        self._balance()

    def place(self, node: Node, hosts: str = "") -> str:
        """Listeners and database of a node, by the file of `deploy/cluster`; `hosts`: members as it reaches them."""
        environment = self.service / f"{node.name}.env"
        values = {
            "NODE": node.name,
            "PUBLIC": f"{node.host}:{node.public}",
            "ADMIN": f"{node.host}:{node.admin}",
            "PLAIN": "true" if node.inside else "false",
            "KEYS": str(self.service),
            "AUTHORITY": str(self.members.authority.certificate),
        }
        write(environment, values | ({"POSTGRES_HOSTS": hosts} if hosts else {}))
        [filled] = self.members.fill([environment], [FILES / "kdp.toml"], self.service)
        text = filled.read_text()
        filled.unlink()
        return text

    def more(self, node: Node, host: str = "127.0.0.1") -> str:
        citizens = self.citizens.url.replace("127.0.0.1", host)
        phones = f"http://{host}:{self.phones.port}/cgi-bin/sendsms?node={node.name}"
        return MORE.format(citizens=citizens, phones=phones, balancer=self.balancer_port)

    def configure(self, node: Node, hosts: str = "", host: str = "127.0.0.1") -> None:
        """Another node of the same installation."""
        self.installation.more = self.more(node, host)
        self.installation.configure(node.config, self.place(node, hosts))

    def _register(self) -> None:
        bank, shep = self.installation.bank, self.installation.shep
        # All of them speak through ШЭП.
        peers = {"shep": replace(bank, name="shep", signer=shep), "bank": bank}
        for name, role in (("owner", "owner"), ("egov", "egov")):
            services = ["--services", SERVICE] if role == "owner" else []
            added = self.installation.kdp(
                "owner", "add", "--sender-id", name, "--name", name, "--bin", bank.bin or "", "--role", role,
                *services, "--json",
            )  # fmt: skip
            password = json.loads(added)["password"]
            peers[name] = Peer(name, "gateway", role, bank.bin, name, password, shep, [], [SERVICE])
        # What the load of the crash campaign names beside them asks nothing here.
        peers |= {name: replace(bank, name=name, services=[]) for name in ("akimat", "stat", "clinic")}
        self.peers = peers

    def crowd(self) -> list[Subject]:
        """Subjects whom nobody was asked about."""
        return [self.subject(behaviour) for behaviour, count in CROWD.items() for _ in range(count)]

    def subject(self, behaviour: str) -> Subject:
        """A new one, with a phone of its own."""
        with self._lock:
            n, iin = next(self._count), next(self._iins)
        subject = Subject(iin, f"Subject {n}", f"7701{n:07d}", behaviour)
        self.citizens.numbers[subject.iin] = subject.msisdn or ""
        if behaviour in ANSWERS:
            self.phones.answers[subject.msisdn or ""] = ANSWERS[behaviour]
        return subject

    def _balance(self) -> None:
        folder = self.folder / "balancer"
        folder.mkdir(mode=0o755)
        a, b = self.nodes
        environment = folder / "balancer.env"
        values = {"BALANCER": f"127.0.0.1:{self.balancer_port}"}
        for letter, node in (("A", a), ("B", b)):
            values |= {
                f"NODE_{letter}": node.name,
                f"NODE_{letter}_PUBLIC": f"{node.host}:{node.public}",
                f"NODE_{letter}_ADMIN_ADDRESS": node.host,
                f"NODE_{letter}_ADMIN_PORT": str(node.admin),
            }
        write(environment, values)
        [filled] = self.members.fill([environment], [FILES / "haproxy.cfg"], folder)
        account.own([folder, filled])
        self.balancer = account.start(["/usr/sbin/haproxy", "-db", "-f", str(filled)], folder / "haproxy.log")
        wait(self._balanced, "the balancer does not listen", 20)

    def _balanced(self) -> bool:
        with contextlib.suppress(OSError, http.client.HTTPException):
            line = Line(self.balancer_port)
            try:
                return line.send("GET", "/.well-known/jwks.json").http_status == 200
            finally:
                line.close()
        return False

    def world(self, port: int | None = None, subjects: list[Subject] | None = None) -> Clients:
        """By the balancer, or by the node that listens there."""
        return Clients(Balanced(self, port or self.balancer_port, subjects or []), self.authority)

    def verified(self) -> list[str]:
        """What the service's own command says of the chains of all nodes; it fails if one is broken or contradicted."""
        login, self.installation.login = self.installation.login, self.installation.as_operator("auditor")
        try:
            found = json.loads(self.installation.kdp("journal", "verify", "--json"))
        finally:
            self.installation.login = login
        chains = {chain["node"]: chain for chain in found["nodes"]}
        missing = {node.name for node in self.nodes} - chains.keys()
        assert found["unbroken"] and not missing, f"no journal of {missing}: {found}"
        of = "{node}: {records} records, {heads} heads, {claims} of other nodes, up to no. {attested}"
        return [of.format(**chain) for chain in chains.values()]

    def end(self, logs: Path | None = None) -> None:
        """Ends every process; `logs`: where what they said is kept."""
        for node in self.nodes:
            if node.process is not None and node.process.poll() is None:
                node.kill()
        if self.balancer is not None:
            self.balancer.kill()
            self.balancer.wait(timeout=10)
        self.members.stop()
        self.phones.close()
        self.citizens.close()
        if logs is not None:
            logs.mkdir(parents=True, exist_ok=True)
            for log in self.folder.rglob("*.log"):
                shutil.copy(log, logs / f"{log.parent.name}-{log.name}")
