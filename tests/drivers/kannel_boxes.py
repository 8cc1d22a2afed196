"""Kannel on loopback: its bearerbox and smsbox with a configuration of their own, the phones behind its SMSC `fake`.

What `deploy/runbook.md` says of Kannel's configuration stands here as it stands there."""

from __future__ import annotations

import signal
import socket
import sqlite3
import subprocess
import threading
import time
import urllib.parse
from dataclasses import dataclass
from pathlib import Path

from sandbox import free_port

CONFIG = """\
group = core
admin-port = {admin}
admin-interface = 127.0.0.1
admin-password = {admin_password}
smsbox-port = {boxes}
smsbox-interface = 127.0.0.1
box-allow-ip = 127.0.0.1
store-type = spool
store-location = {folder}/store
dlr-storage = sqlite3
sms-combine-concatenated-mo = true
sms-combine-concatenated-mo-timeout = 3
log-file = {folder}/bearerbox.log
log-level = 1

group = sqlite3-connection
id = reports
database = {folder}/reports.db

group = dlr-db
id = reports
table = dlr
field-smsc = smsc
field-timestamp = ts
field-source = source
field-destination = destination
field-service = service
field-url = url
field-mask = mask
field-status = status
field-boxc-id = boxc

group = smsc
smsc = fake
smsc-id = phones
port = {phones}
our-host = 127.0.0.1
connect-allow-ip = 127.0.0.1
denied-prefix = "{nowhere};{smpp}"

group = smsc
smsc = smpp
smsc-id = network
host = 127.0.0.1
port = {network}
transceiver-mode = true
smsc-username = kannel
smsc-password = {smpp_password}
system-type = ""
reconnect-delay = 1
allowed-prefix = {smpp}

group = smsbox
bearerbox-host = 127.0.0.1
sendsms-port = {sendsms}
sendsms-interface = 127.0.0.1
http-request-retry = 100000
http-queue-delay = 1
log-file = {folder}/smsbox.log
log-level = 1

group = sendsms-user
username = kdp
password = {password}
concatenation = true
max-messages = 3

group = sms-service
keyword = default
catch-all = true
concatenation = true
max-messages = 0
get-url = "{callback}/kannel/incoming?secret={secret}&id=%I&from=%p&text=%b&coding=%c&charset=%C&time=%T"
"""

FAKESMSC = "/usr/lib/kannel/test/fakesmsc"
#: Numbers that begin so are reached by no SMSC.
NOWHERE = "7700"
#: Such numbers are those of the network behind SMPP.
SMPP = "7702"


@dataclass(frozen=True)
class Access:
    """What the two sides know of each other."""

    callback: str
    secret: str
    password: str
    #: Port of the network behind SMPP.
    network: int


class Kannel:
    """Both boxes; not started."""

    def __init__(self, folder: Path, access: Access) -> None:
        self.folder = folder
        (folder / "store").mkdir(parents=True)
        self.sendsms, self.phones = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.sendsms}/cgi-bin/sendsms"
        with sqlite3.connect(folder / "reports.db") as reports:
            columns = "smsc, ts, source, destination, service, url, mask, status, boxc"
            reports.execute(f"CREATE TABLE dlr ({columns})")
        self.config = folder / "kannel.conf"
        self.config.write_text(
            CONFIG.format(
                folder=folder, admin=free_port(), admin_password=access.password, boxes=free_port(),
                phones=self.phones, sendsms=self.sendsms, nowhere=NOWHERE, smpp=SMPP, password=access.password,
                network=access.network, smpp_password=access.password[:8],
                callback=access.callback, secret=access.secret,
            )
        )  # fmt: skip
        self._boxes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self) -> None:
        """Starts what does not run, and waits until it can be reached."""
        if self._is_ended("bearerbox"):
            self._start("bearerbox", self.phones)
        if self._is_ended("smsbox"):
            self._start("smsbox", self.sendsms)

    def kill(self, *names: str) -> None:
        """As a power cut does: SIGKILL; both, unless told which."""
        for name in names or ("smsbox", "bearerbox"):
            box = self._boxes[name]
            if box.poll() is None:
                box.send_signal(signal.SIGKILL)
            box.wait()

    def wait_for_smsbox_to_follow(self) -> None:
        """Without its bearerbox a smsbox ends by itself."""
        self._boxes["smsbox"].wait(30)

    def _is_ended(self, name: str) -> bool:
        return name not in self._boxes or self._boxes[name].poll() is not None

    def _start(self, name: str, port: int) -> None:
        said = (self.folder / f"{name}.out").open("ab")
        # Its port may be held for a moment by what was killed; its peer may not listen yet.
        for _ in range(40):
            command = [f"/usr/sbin/{name}", "-v", "4", str(self.config)]
            self._boxes[name] = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, cwd=self.folder
            )
            deadline = time.monotonic() + 10
            while self._boxes[name].poll() is None and time.monotonic() < deadline:
                if listens(port):
                    return
                time.sleep(0.05)
            self.kill(name)
            time.sleep(0.25)
        raise AssertionError(f"{name} does not start: {self.folder}/{name}.out")


def listens(port: int) -> bool:
    """Whether somebody does, found out without connecting: the SMSC `fake` takes one phone at a time."""
    held = f":{port:04X} "
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        words = line.split()
        if words[3] == "0A" and f"{words[1]} ".endswith(held):
            return True
    return False


@dataclass(frozen=True)
class Sms:
    """One part of an SMS that a phone received."""

    to: str
    text: str


class Phones:
    """All phones behind the SMSC `fake`, by its line protocol; keeps what they received."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket: socket.socket | None = None
        self._thread: threading.Thread | None = None
        self.received: list[Sms] = []

    def connect(self) -> None:
        self._socket = socket.create_connection(("127.0.0.1", self._port), 10)
        self._socket.settimeout(None)
        self._thread = threading.Thread(target=self._read, args=(self._socket,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        if self._socket is not None and self._thread is not None:
            self._socket.shutdown(socket.SHUT_RDWR)
            self._thread.join(10)
            self._socket.close()
        self._socket = None

    def _read(self, connection: socket.socket) -> None:
        try:
            for line in connection.makefile("rb"):
                _, to, kind, rest = line.decode("latin-1").rstrip("\n").split(" ", 3)
                if kind == "udh":
                    _, kind, rest = rest.split(" ", 2)
                plain = rest if kind == "text" else urllib.parse.unquote_plus(rest, "latin-1")
                self.received.append(Sms(to, plain))
        except OSError:
            pass

    def inbox(self, number: str) -> str:
        """Everything that the phone received, parts put together."""
        return "".join(sms.text for sms in self.received if sms.to == number)

    def say(self, number: str, text: str) -> None:
        """An answer in the alphabet of the phone: UCS-2, as phones send Cyrillic."""
        wide = "".join(f"%{byte:02X}" for byte in text.encode("utf-16-be"))
        self.send(f"{number} 1414 ucs2 {wide}")

    def say_in_parts(self, number: str, *parts: str) -> None:
        """One answer in several SMS."""
        for n, part in enumerate(parts, 1):
            text = urllib.parse.quote_plus(part)
            self.send(f"{number} 1414 udh-text %05%00%03%37%{len(parts):02X}%{n:02X} {text}")

    def send(self, line: str) -> None:
        assert self._socket is not None
        self._socket.sendall(line.encode() + b"\n")


def say_by_fakesmsc(port: int, number: str, text: str) -> None:
    """The same by Kannel's own program."""
    wide = "".join(f"%{byte:02X}" for byte in text.encode("utf-16-be"))
    command = [FAKESMSC, "-H", "127.0.0.1", "-r", str(port), "-m", "1", "-i", "0.1", f"{number} 1414 ucs2 {wide}"]
    done = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    # Having sent it, it goes on listening.
    time.sleep(2)
    done.terminate()
    done.wait(10)
