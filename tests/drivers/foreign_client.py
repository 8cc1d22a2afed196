"""The programs of tests/clients/, each written with a SOAP library that others made.

A program reads lines `name=value` from standard input: `wsdl` and `address` (URLs), `wrapper` (`sync-channel` or
`kdp`), the elements of requestInfo, and the children of data as `data.NAME`. It calls `address`, and writes lines of
the same form from the objects that it was given: `info.code`, `info.message` and `data.NAME`, or of a fault
`fault.faultstring` and the elements of its detail as `fault.NAME`.
"""

from __future__ import annotations

import enum
import json
import os
import shutil
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import zeep

from envelope import K, Message, T
from reply import Reply

HERE = Path(__file__).resolve().parents[1] / "clients"
# Longest that a program may take, seconds: each is a new process, some a new JVM.
PATIENCE = 180


class Wrapper(enum.Enum):
    """The elements of the operation of the WSDL (wire.md 1), and those that its schemas have beside (wire.md 2.2)."""

    SYNC_CHANNEL = "sync-channel"
    KDP = "kdp"

    @property
    def request(self) -> str:
        return f"{{{T}}}SendMessage" if self is Wrapper.SYNC_CHANNEL else f"{{{K}}}sendMessageRequest"

    @property
    def response(self) -> str:
        return f"{{{T}}}SendMessageResponse" if self is Wrapper.SYNC_CHANNEL else f"{{{K}}}sendMessageResponse"


Ways = tuple[tuple[Wrapper, Wrapper], ...]
TYPED: Ways = ((Wrapper.SYNC_CHANNEL, Wrapper.SYNC_CHANNEL),)
# Reads the answer although the operation has another one.
LENIENT: Ways = ((Wrapper.SYNC_CHANNEL, Wrapper.KDP),)
SECOND: Ways = ((Wrapper.KDP, Wrapper.KDP),)


@dataclass(frozen=True)
class Told:
    """What a client's own objects hold of an answer."""

    info: dict[str, str] = field(default_factory=dict)
    data: dict[str, str] = field(default_factory=dict)
    fault: dict[str, str] = field(default_factory=dict)

    def reply(self) -> Reply:
        assert not self.fault, f"a fault instead of an answer: {self.fault}"
        return Reply(self.info.get("code", ""), self.info.get("message", ""), self.data)


class Client(ABC):
    """One library."""

    # In which wrapper it can ask, and in which be answered.
    ways: Ways = TYPED

    def __init__(self, build: Path, wsdl: str, address: str) -> None:
        """`build`: a folder of its own for what is generated; URLs of the contract, and of who takes messages."""
        self.build, self.wsdl, self.address = build, wsdl, address

    @abstractmethod
    def version(self) -> str:
        """Of the library; raises OSError or AssertionError if it is not there."""

    def prepare(self) -> None:
        """Generates and compiles, where the library does that; the others load the WSDL in each call."""
        assert self.version()

    @abstractmethod
    def command(self) -> Sequence[str]:
        """What runs the program."""

    def environment(self) -> dict[str, str]:
        """What it needs beside the usual variables."""
        return {}

    def ask(self, wrapper: Wrapper, message: Message) -> Told:
        given = {
            "wsdl": self.wsdl,
            "address": self.address,
            "wrapper": wrapper.value,
            "messageId": message.message_id,
            "serviceId": message.service_id,
            "messageDate": message.message_date,
            "senderId": message.sender_id,
            "password": message.password or "",
            **{f"data.{name}": text for name, text in message.fields},
        }
        lines = "".join(f"{name}={text}\n" for name, text in given.items())
        return told(run(self.command(), lines, self.environment()))


def told(printed: str) -> Told:
    found: dict[str, dict[str, str]] = {"info": {}, "data": {}, "fault": {}}
    for line in printed.splitlines():
        name, is_pair, text = line.partition("=")
        part, _, name = name.partition(".")
        assert is_pair and part in found, f"not a line of the protocol: {line[:200]}"
        found[part][name] = text
    return Told(**found)


def run(command: Sequence[str], given: str = "", environment: Mapping[str, str] | None = None) -> str:
    """Its standard output; a failure tells the end of its standard error."""
    done = subprocess.run(
        command,
        input=given.encode(),
        env={**os.environ, **(environment or {})},
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    wrong = (done.stderr or done.stdout).decode(errors="replace").strip()
    assert done.returncode == 0, f"exit {done.returncode}: {' | '.join(wrong.splitlines()[-12:])[-1500:]}"
    return done.stdout.decode()


class Zeep(Client):
    ways = TYPED + LENIENT + SECOND

    def version(self) -> str:
        return zeep.__version__

    def command(self) -> Sequence[str]:
        return [sys.executable, str(HERE / "zeep/client.py")]


class Node(Client):
    """Both libraries of Node: only what the WSDL has as an operation."""

    module: str

    def version(self) -> str:
        return json.loads((self._modules / self.module / "package.json").read_text())["version"]

    @property
    def _modules(self) -> Path:
        return self.build.parent / "node/node_modules"

    def command(self) -> Sequence[str]:
        return ["node", str(HERE / f"node/{self.module}.js")]

    def environment(self) -> dict[str, str]:
        return {"NODE_PATH": str(self._modules)}


class NodeSoap(Node):
    module = "soap"


class StrongSoap(Node):
    module = "strong-soap"


class Php(Client):
    ways = TYPED + SECOND

    def version(self) -> str:
        return run(["php", "-r", "echo PHP_VERSION;"])

    def command(self) -> Sequence[str]:
        return ["php", str(HERE / "php/client.php")]


class SoapLite(Client):
    ways = TYPED + LENIENT + SECOND

    def version(self) -> str:
        return run(["perl", "-MSOAP::Lite", "-e", "print $SOAP::Lite::VERSION"])

    def command(self) -> Sequence[str]:
        return ["perl", str(HERE / "perl/client.pl")]


class JaxWs(Client):
    ways = TYPED + SECOND

    # What libjaxws-java brings; its tools need more than their manifests name.
    JARS = (
        *("jaxws-tools", "jaxws-rt", "jaxb-xjc", "jaxb-core", "jaxb-impl", "jaxb-runtime", "jaxb-jxc", "txw2", "xsom"),
        *("istack-commons-runtime", "istack-commons-tools", "codemodel", "rngom", "dtd-parser", "relaxngDatatype"),
        *("javax.activation", "xml-resolver"),
    )
    PATH = ":".join(f"/usr/share/java/{name}.jar" for name in JARS)

    def version(self) -> str:
        said = run([self.jdk("java"), "-cp", self.PATH, "com.sun.tools.ws.WsImport", "-version"])
        return said.split()[-1].strip('"')

    @staticmethod
    def jdk(tool: str) -> str:
        """That of JDK 17, whichever is the machine's default."""
        found = sorted(Path("/usr/lib/jvm").glob(f"java-17-openjdk-*/bin/{tool}"))
        assert found, f"no {tool} of JDK 17 in /usr/lib/jvm"
        return str(found[0])

    def prepare(self) -> None:
        sources, classes = self.build / "sources", self.build / "classes"
        shutil.rmtree(self.build, ignore_errors=True)
        sources.mkdir(parents=True)
        classes.mkdir()
        wsimport = ["com.sun.tools.ws.WsImport", "-quiet", "-Xnocompile", "-encoding", "UTF-8", "-s", str(sources)]
        run([self.jdk("java"), "-cp", self.PATH, *wsimport, "-d", str(sources), self.wsdl])
        generated = [str(path) for path in sorted(sources.rglob("*.java"))]
        options = ["-proc:none", "-encoding", "UTF-8", "-cp", self.PATH, "-d", str(classes)]
        run([self.jdk("javac"), *options, *generated, str(HERE / "java/Client.java")])

    def command(self) -> Sequence[str]:
        return [self.jdk("java"), "-cp", f"{self.build / 'classes'}:{self.PATH}", "Client"]


class Gsoap(Client):
    ways = TYPED + SECOND

    SHARE = "/usr/share/gsoap"

    def version(self) -> str:
        done = subprocess.run(["soapcpp2", "-V"], capture_output=True, text=True, timeout=PATIENCE, check=False)
        return (done.stdout or done.stderr).split()[-1]

    def prepare(self) -> None:
        shutil.rmtree(self.build, ignore_errors=True)
        self.build.mkdir(parents=True)
        header, sources = self.build / "kdp.h", HERE / "gsoap"
        run(["wsdl2h", "-p", "-x", "-t", str(sources / "typemap.dat"), "-o", str(header), self.wsdl])
        with header.open("a") as more:
            more.write((sources / "more.h").read_text())
        paths = f"{self.SHARE}:{self.SHARE}/import"
        run(["soapcpp2", "-j", "-C", "-x", "-w", "-L", f"-I{paths}", "-d", str(self.build), str(header)])
        generated = [str(path) for path in sorted(self.build.glob("soap*.cpp"))]
        program = [str(sources / "client.cpp"), *generated, f"{self.SHARE}/custom/struct_timeval.c"]
        options = ["-std=c++17", f"-I{self.build}", f"-I{self.SHARE}", "-o", str(self.build / "client")]
        run(["g++", *program, *options, "-lgsoap++"])

    def command(self) -> Sequence[str]:
        return [str(self.build / "client")]


CLIENTS: dict[str, type[Client]] = {
    "zeep": Zeep,
    "soap": NodeSoap,
    "strong-soap": StrongSoap,
    "php": Php,
    "soap-lite": SoapLite,
    "gsoap": Gsoap,
    "jax-ws": JaxWs,
}
