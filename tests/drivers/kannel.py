#!/usr/bin/env python3
"""`kdp serve` with a real Kannel as its SMS gateway: `python kannel.py [--kdp BINARY]`.

Needs Debian's kannel and kannel-extras. Everything listens on loopback. SMS go out, reports and answers come back, the
token is issued; then Kannel, its half, the service or a connection is gone at the worst moment, and what
`deploy/runbook.md` says of it is held: nothing is lost but what it names, nothing is sent twice but where an answer of
Kannel was lost, and nothing is granted that the subject did not agree to. A line each; exit 1 if one does not hold.
"""

from __future__ import annotations

import argparse
import http.client
import http.server
import itertools
import secrets
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from citizens import Citizens
from installation import SERVICE, Installation
from kannel_boxes import NOWHERE, SMPP, Access, Kannel, Phones, say_by_fakesmsc
from kdp_client import Caller, Line
from procedure import run
from reply import is_fault, parse, read_fault, read_reply
from sandbox import default_binary
from smpp import Network

MORE = """
[limits]
sms_per_subject = 100

[shep]
url = "{citizens}"

[bmg]
driver = "shep"

[sms]
driver = "kannel"
timeout_ms = 3000

[sms.kannel]
url = "{wire}"
username = "kdp"
password = "{folder}/kannel.password"
callback = "http://127.0.0.1:{public}"
callback_secret = "{folder}/kannel.secret"
"""

#: What an SMS that asks says once.
ASKS = "zaprashivaet"


class Wire:
    """Between the service and Kannel: passes on what is asked, and loses as many answers as it is told to."""

    def __init__(self) -> None:
        self.port, self.lose = 0, 0
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.close_connection = True
                try:
                    status, body = outer.ask(self.path)
                except OSError:
                    return
                if outer.lose:
                    outer.lose -= 1
                    return
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/cgi-bin/sendsms"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def ask(self, path: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Person:
    """A subject with a phone, whom nobody else is asked about."""

    def __init__(self, n: int, number: str) -> None:
        self.iin, self.number = iin(n), number


def iins() -> Iterator[str]:
    """Numbers of persons whose control digit exists."""
    for serial in range(10_000):
        eleven = f"8001013{serial:04d}"
        for weights in (range(1, 12), [3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2]):
            rest = sum(weight * int(digit) for weight, digit in zip(weights, eleven, strict=True)) % 11
            if rest < 10:
                yield eleven + str(rest)
                break


def iin(n: int) -> str:
    """The nth of them."""
    return next(itertools.islice(iins(), n, None))


class Client(Caller):
    """The bank, which asks by method 1."""

    def __init__(self, installation: Installation) -> None:
        self.sandbox, self.initiator = installation, installation.bank
        self.signer = installation.shep
        self.line = Line(installation.public)

    def told(self, person: Person, request: str | None = None) -> dict[str, str]:
        """The children of data of the answer."""
        fields = self.fields(person.iin, [SERVICE], omit_sms="false", request_id=request)
        root = parse(self.line.post(self.signed(self.message(fields))).body)
        assert not is_fault(root), read_fault(root).faultstring
        return read_reply(root).data


class Stand:
    """The service, Kannel, the phones and БМГ."""

    def __init__(self, binary: Path, folder: Path) -> None:
        self.secret, self.password = secrets.token_hex(16), secrets.token_hex(8)
        self.wire = Wire()
        self.persons: list[Person] = []
        self.sent: dict[str, int] = {}
        # БМГ signs with the gateway's key, which the installation makes.
        self.citizens = Citizens(None, {})
        for name, text in (("kannel.password", self.password), ("kannel.secret", self.secret)):
            (folder / name).touch(mode=0o600)
            (folder / name).write_text(text + "\n")
        more = MORE.replace("{citizens}", self.citizens.url).replace("{wire}", self.wire.url)
        self.installation = Installation(binary, folder, more, methods="1,2")
        self.citizens.signer = self.installation.shep
        self.network = Network()
        access = Access(
            f"http://127.0.0.1:{self.installation.public}", self.secret, self.password, self.network.port
        )
        self.kannel = Kannel(folder / "kannel", access)
        self.wire.port = self.kannel.sendsms
        self.phones = Phones(self.kannel.phones)
        self.database = folder / "kdp.db"
        self.log = folder / "kdp.log"

    def start(self) -> None:
        self.installation.start()
        self.kannel.start()
        self.phones.connect()

    def end(self) -> None:
        self.installation.stop()
        self.phones.close()
        self.kannel.kill()
        self.wire.close()
        self.network.close()
        self.citizens.close()

    def person(self, prefix: str = "7701") -> Person:
        n = len(self.persons)
        person = Person(n, f"{prefix}{n:07d}")
        self.persons.append(person)
        self.citizens.numbers[person.iin] = person.number
        self.sent[person.number] = 1
        return person

    def ask(self, person: Person) -> str:
        told = Client(self.installation).told(person)
        assert (told["status"], told["reason"]) == ("PENDING", "waiting"), f"{told['status']} {told.get('reason')}"
        return told["request_id"]

    def asked(self, person: Person, times: int = 1) -> None:
        """Waits until the phone has been asked as often."""
        wait(lambda: self.count(person) >= times, f"{times} SMS that ask, {self.count(person)} came")

    def count(self, person: Person) -> int:
        return self.phones.inbox(person.number).count(ASKS)

    def becomes(self, person: Person, request: str, status: str, *reasons: str) -> dict[str, str]:
        """Waits until the request has become this."""
        told: dict[str, str] = {}

        def is_so() -> bool:
            told.clear()
            told.update(Client(self.installation).told(person, request))
            return told["status"] != "PENDING"

        wait(is_so, "the request waits still")
        assert told["status"] == status, f"{told['status']} {told.get('reason')}, expected {status}"
        assert not reasons or told["reason"] in reasons, f"{told['reason']}, expected {reasons}"
        return told

    def waits(self, person: Person, request: str) -> None:
        told = Client(self.installation).told(person, request)
        assert told["status"] == "PENDING", f"{told['status']} {told.get('reason')}, expected PENDING"

    def journalled(self, outcome: str) -> int:
        with sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=10) as database:
            # A report may overtake the word that the SMS was taken, which is «ignored» then, or the other way round.
            words = [outcome, f"{outcome} ignored"]
            [[count]] = database.execute("SELECT count(*) FROM journal WHERE outcome IN (?, ?)", words)
        return count

    def comes(self, outcome: str, before: int) -> None:
        wait(lambda: self.journalled(outcome) > before, f"no record «{outcome}»")


def wait(condition: Callable[[], bool], otherwise: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.1)


def story(stand: Stand) -> str:
    """An SMS goes out, its report and the answer by Kannel's own fakesmsc come back, the token is issued once."""
    person, delivered = stand.person(), stand.journalled("sms delivered")
    request = stand.ask(person)
    stand.asked(person)
    stand.comes("sms delivered", delivered)
    stand.waits(person, request)
    stand.phones.close()
    say_by_fakesmsc(stand.kannel.phones, person.number, "ДА")
    stand.phones.connect()
    token = stand.becomes(person, request, "VALID", "granted")["code"]
    assert stand.becomes(person, request, "VALID", "granted")["code"] == token, "another token"
    return "token issued once"


def alphabets(stand: Stand) -> str:
    """A no in Kazakh; a yes in two parts; what is broken leads to help, once, and to no yes."""
    person = stand.person()
    request = stand.ask(person)
    stand.asked(person)
    stand.phones.say(person.number, "жоқ")
    stand.becomes(person, request, "INVALID", "subject-refused")

    person = stand.person()
    request = stand.ask(person)
    stand.asked(person)
    reference = stand.phones.inbox(person.number).split("nomer ")[1][:4]
    not_understood = stand.journalled("sms not understood")
    for broken in ("text \u0420\u201d\u0420\u0452", "data %C4%E0", "ucs2 %04%14%04", "text ?? 1"):
        stand.phones.send(f"{person.number} 1414 {broken}")
    wait(lambda: stand.journalled("sms not understood") == not_understood + 4, "four that are not understood")
    stand.waits(person, request)
    wait(lambda: "Jauap tusiniksiz" in stand.phones.inbox(person.number), "no help")
    # Neither part means anything alone: Kannel puts them together.
    stand.phones.say_in_parts(person.number, "D", f"A {reference}")
    stand.becomes(person, request, "VALID", "granted")
    assert stand.phones.inbox(person.number).count("Jauap tusiniksiz") == 1, "help came twice"
    return "understood, or helped once"


def killed_before(stand: Stand) -> str:
    """Kannel is gone when the SMS shall leave: it leaves once Kannel is back."""
    stand.kannel.kill()
    person = stand.person()
    request = stand.ask(person)
    time.sleep(3)
    stand.waits(person, request)
    stand.kannel.start()
    stand.phones.connect()
    stand.asked(person)
    stand.phones.say(person.number, "иә")
    stand.becomes(person, request, "VALID", "granted")
    return "sent after 3 s without Kannel"


def killed_after(stand: Stand) -> str:
    """Kannel is killed with an SMS that it accepted: it keeps it on disk, and the report comes too."""
    stand.phones.close()
    person = stand.person()
    accepted, delivered = stand.journalled("sms accepted"), stand.journalled("sms delivered")
    request = stand.ask(person)
    stand.comes("sms accepted", accepted)
    stand.kannel.kill()
    time.sleep(1)
    stand.kannel.start()
    stand.phones.connect()
    stand.asked(person)
    stand.comes("sms delivered", delivered)
    stand.phones.say(person.number, "да")
    stand.becomes(person, request, "VALID", "granted")
    return "kept by Kannel"


def service_away(stand: Stand) -> str:
    """The subject answers while the service is down: Kannel brings the answer again."""
    person = stand.person()
    request = stand.ask(person)
    stand.asked(person)
    stand.installation.kill()
    stand.phones.say(person.number, "ДА")
    time.sleep(3)
    stand.installation.start()
    stand.becomes(person, request, "VALID", "granted")
    return "brought again"


def service_killed(stand: Stand) -> str:
    """The service is killed between the answer and its commit, at several moments."""
    moments = (0.0, 0.004, 0.008, 0.015, 0.03, 0.06)
    for moment in moments:
        person = stand.person()
        request = stand.ask(person)
        stand.asked(person)
        stand.phones.say(person.number, "ДА")
        time.sleep(moment)
        stand.installation.kill()
        stand.installation.start()
        stand.becomes(person, request, "VALID", "granted")
    return f"{len(moments)} times, nothing lost"


def half_killed(stand: Stand) -> str:
    """The smsbox is killed with an answer that it could not bring: the runbook says that it is lost. Nothing is
    granted; the subject answers again."""
    person = stand.person()
    request = stand.ask(person)
    stand.asked(person)
    stand.installation.kill()
    stand.phones.say(person.number, "ДА")
    time.sleep(3)
    stand.kannel.kill("smsbox")
    stand.kannel.start()
    stand.installation.start()
    time.sleep(5)
    told = Client(stand.installation).told(person, request)["status"]
    assert told in ("PENDING", "VALID"), told
    if told == "PENDING":
        stand.phones.say(person.number, "ДА")
    stand.becomes(person, request, "VALID", "granted")
    return "the answer was lost by Kannel" if told == "PENDING" else "the answer was brought"


def follows(stand: Stand) -> str:
    """The bearerbox alone is killed: its smsbox ends too; what the subject sent meanwhile goes to nobody's harm."""
    person = stand.person()
    request = stand.ask(person)
    stand.asked(person)
    stand.kannel.kill("bearerbox")
    stand.kannel.wait_for_smsbox_to_follow()
    stand.kannel.start()
    stand.phones.connect()
    stand.phones.say(person.number, "ДА")
    stand.becomes(person, request, "VALID", "granted")
    return "started again"


def answer_lost(stand: Stand) -> str:
    """Kannel has accepted, and its answer is lost: once it is reported as delivered it is not sent again; before, it goes
    out twice, which the runbook says, and counts once."""
    person = stand.person()
    stand.wire.lose = 1
    request = stand.ask(person)
    stand.asked(person)
    time.sleep(3)
    stand.phones.say(person.number, "ДА")
    stand.becomes(person, request, "VALID", "granted")

    # Nobody takes it from Kannel, so nothing is reported.
    stand.phones.close()
    person = stand.person()
    stand.sent[person.number] = 2
    stand.wire.lose, accepted = 1, stand.journalled("sms accepted")
    request = stand.ask(person)
    stand.comes("sms accepted", accepted)
    stand.phones.connect()
    stand.asked(person, 2)
    first, second = stand.phones.inbox(person.number).split(ASKS)[0:2]
    assert first and second, "two SMS"
    stand.phones.say(person.number, "ДА")
    stand.becomes(person, request, "VALID", "granted")
    return "sent once with its report, twice without"


def nowhere(stand: Stand) -> str:
    """No network takes this number: the request ends with a reason."""
    person = stand.person(NOWHERE)
    stand.sent[person.number] = 0
    request = stand.ask(person)
    told = stand.becomes(person, request, "INVALID", "sms-not-sent", "sms-undelivered")
    return told["reason"]


def reports(stand: Stand) -> str:
    """What an SMPP network reports ends the request, or does not; and it brings an answer in UCS-2."""
    for fate in ("UNDELIV", "EXPIRED", "DELETED", "REJECTD"):
        person = stand.person(SMPP)
        stand.sent[person.number] = 0
        stand.network.fate[person.number] = fate
        request = stand.ask(person)
        stand.becomes(person, request, "INVALID", "sms-undelivered")
    # This Kannel (1.4.5) tells all of them by 2, later ones EXPIRED by 34.
    told = stand.journalled("sms undelivered") + stand.journalled("sms expired")
    assert told >= 4, f"{told} reports in the journal"
    person = stand.person(SMPP)
    stand.sent[person.number], delivered = 0, stand.journalled("sms delivered")
    request = stand.ask(person)
    stand.comes("sms delivered", delivered)
    assert stand.network.validity[person.number], "it goes out without an end of its validity"
    stand.waits(person, request)
    stand.network.say(person.number, "Иә")
    stand.becomes(person, request, "VALID", "granted")
    return "undelivered, expired, refused; answered"


def strangers(stand: Stand) -> str:
    """Who does not know the secret finds no such path, and can answer for nobody."""
    person = stand.person()
    request = stand.ask(person)
    stand.asked(person)
    line = Line(stand.installation.public)
    unknown = line.send("GET", "/kannel")
    wrong = stand.secret[:-1] + ("0" if stand.secret[-1] != "0" else "1")
    for secret in ("", "secret=", f"secret={wrong}", f"secret={wrong}&secret={stand.secret}", f"SECRET={stand.secret}"):
        incoming, report = f"id=1&from={person.number}&text=DA&time=1", f"id={request}-ask&state=2"
        for path, rest in (("incoming", incoming), ("report", report)):
            for method in ("GET", "POST", "PUT"):
                answer = line.send(method, f"/kannel/{path}?{secret}&{rest}", b"" if method != "GET" else None)
                told = (answer.http_status, answer.body)
                assert told == (unknown.http_status, unknown.body) == (404, b"no such path"), f"{method} {path}: {told}"
    stand.waits(person, request)
    answer = line.send("GET", f"/kannel/report?secret={stand.secret}&id={request}-ask&state=34")
    assert (answer.http_status, answer.body) == (200, b""), answer.http_status
    stand.becomes(person, request, "INVALID", "sms-undelivered")
    refused = stand.installation.metric('kdp_party_calls_total{party="1414",outcome="refused"}')
    assert refused == 30, f"{refused} calls counted as refused"
    return "404, like any path that is not there"


def afterwards(stand: Stand) -> str:
    """Each subject was asked once, but where an answer was lost; no secret, password or number is in the log."""
    time.sleep(3)
    for person in stand.persons:
        count, expected = stand.count(person), stand.sent[person.number]
        assert count == expected, f"{count} SMS that ask, expected {expected}"
    log = stand.log.read_text()
    for hidden in (stand.secret, stand.password, *(person.number for person in stand.persons)):
        assert hidden not in log, "something secret is in the log"
    return f"{len(stand.persons)} subjects"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kdp", type=Path, default=None)
    parser.add_argument("--only", action="append", default=[], help="names of procedures")
    arguments = parser.parse_args()
    binary = (arguments.kdp or default_binary()).resolve()
    procedures = [
        story, alphabets, killed_before, killed_after, service_away, service_killed, half_killed, follows, answer_lost,
        nowhere, reports, strangers, afterwards,
    ]  # fmt: skip
    procedures = [one for one in procedures if not arguments.only or one.__name__ in arguments.only]
    with tempfile.TemporaryDirectory(prefix="kdp-kannel-") as folder:
        stand = Stand(binary, Path(folder))
        try:
            stand.start()
            return run(stand, procedures)
        finally:
            stand.end()


if __name__ == "__main__":
    raise SystemExit(main())
