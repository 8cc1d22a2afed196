"""The sandbox as the outside of a `kdp serve` elsewhere: ШЭП re-signs as the real one does, and whoever is killed,
nothing is lost and nobody asked twice."""

from __future__ import annotations

import http.client
import json
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cryptography import x509

from check import Checks
from dsig import verify
from kdp_client import XML_HEADERS, Answer, Caller, Line, assert_reply, authority_of, fault_of, soap_content
from reply import Reply, is_fault, read_reply
from sandbox import Sandbox, free_port

SERVICE = "GBDFLUniversal_token"
LOST = (OSError, http.client.HTTPException)


def run_alone(binary: Path, folder: Path, checks: Checks) -> None:
    checks.topic("stand")
    with Pair(binary, folder) as pair:
        story(pair, checks)
        roll_over(pair, checks)
        switches(pair, checks)
        killed(pair, checks)


class Through(Caller):
    """An initiator behind ШЭП: it signs, sends to the gateway, and believes the gateway alone."""

    known: x509.Certificate

    def post(self, body: bytes) -> Answer:
        return self.line.send("POST", "/sandbox/shep/to-service", body, XML_HEADERS)

    def reply(self, answer: Answer) -> Reply:
        root = soap_content(answer)
        if is_fault(root):
            raise AssertionError(f"fault instead of an answer: {fault_of(answer).faultstring}")
        verify(root, self.authority, self.sandbox.now(), self.known)
        assert b"sessionId>{" in answer.body, "an answer without the session of the gateway"
        return read_reply(root)

    def asks(self, uin: str, **values: str | None) -> Reply:
        return self.reply(self.post(self.signed(self.message(self.fields(uin, [SERVICE], **values)))))

    def polls(self, uin: str, reply: Reply) -> Reply:
        """Repeats until the answer is final."""
        request = reply.request_id
        for _ in range(400):
            if reply.status != "PENDING":
                return reply
            time.sleep(0.1)
            reply = self.asks(uin, request_id=request)
        raise AssertionError(f"still {reply.brief()}")


class Pair:
    """Both processes; either can be killed and started again."""

    def __init__(self, binary: Path, folder: Path) -> None:
        self.binary, self.folder, self.data = binary, folder, folder / "data"
        self.port = free_port()
        self._start_sandbox()
        self.kdp("sandbox", "--data", str(self.data), "--register", str(self.config))
        self.service: subprocess.Popen[bytes] | None = None
        self.start_service()

    @property
    def config(self) -> Path:
        return self.data / "serve.toml"

    def kdp(self, *words: str) -> str:
        done = subprocess.run([str(self.binary), *words], capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"kdp {' '.join(words)}: {done.stderr}"
        return done.stdout

    def _start_sandbox(self) -> None:
        more = ["--service", f"http://127.0.0.1:{self.port}"]
        self.sandbox = Sandbox(self.binary, self.data, self.folder / "sandbox.log", more=more)
        bank = self.sandbox.peers["bank"]
        self.bank = Through(self.sandbox, Line(self.sandbox.port), bank, bank.signer, authority_of(self.data))
        self.trusts("shep.cert.pem", "ca.pem")

    def trusts(self, certificate: str, authority: str) -> None:
        def read(name: str) -> x509.Certificate:
            return x509.load_pem_x509_certificate((self.data / "pki" / name).read_bytes())

        self.bank.known, self.bank.authority = read(certificate), read(authority)

    def restart_sandbox(self) -> None:
        self.sandbox.kill()
        text = self.config.read_text()
        self._start_sandbox()
        # It listens elsewhere now, as a gateway behind another address would.
        assert self.config.read_text() != text
        self.stop_service(signal.SIGTERM)
        self.start_service()

    def start_service(self) -> None:
        with (self.folder / "serve.log").open("ab") as log:
            self.service = subprocess.Popen(
                [str(self.binary), "serve", "--config", str(self.config)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        ready = f"http://127.0.0.1:{self.port + 1}/health/ready"
        eventually("the service is ready", lambda: urllib.request.urlopen(ready, timeout=5).status == 200)

    def stop_service(self, how: signal.Signals) -> None:
        assert self.service is not None
        self.service.send_signal(how)
        self.service.wait(timeout=40)

    def faults(self, faults: dict[str, Any]) -> None:
        self.sandbox.post("/sandbox/faults", {"reset": True} | faults)

    def inbox(self, behaviour: str) -> list[str]:
        return self.sandbox.inbox(self.sandbox.subject(behaviour).msisdn or "")

    def push(self, uin: str) -> str:
        """Hands a request of method 1 to the gateway's AsyncChannel; its chain."""
        values = self.bank.fields(uin, [SERVICE], method="1")
        body = self.bank.signed(self.bank.message(values))
        answer = self.bank.line.send("POST", "/sandbox/shep/push", body, XML_HEADERS)
        assert answer.http_status == 200, answer.body
        return json.loads(answer.body)["correlation_id"]

    def responses(self, chain: str) -> list[dict[str, Any]]:
        return self.sandbox.get(f"/sandbox/async/{chain}")["responses"]

    def __enter__(self) -> Pair:
        return self

    def __exit__(self, *_: object) -> None:
        if self.service is not None and self.service.poll() is None:
            self.stop_service(signal.SIGKILL)
        if self.sandbox.process.poll() is None:
            self.sandbox.kill()


def eventually(what: str, is_so: Callable[[], bool]) -> None:
    for _ in range(400):
        try:
            if is_so():
                return
        except (*LOST, urllib.error.URLError):
            pass
        time.sleep(0.05)
    raise AssertionError(f"it never came to be that {what}")


def story(pair: Pair, checks: Checks) -> None:
    subject, bank = pair.sandbox.subject, pair.bank
    with checks.case("through ШЭП alone: asked, agreed, granted, and the token holds"):
        uin = subject("yes").iin
        reply = assert_reply(bank.asks(uin, method="1"), "PENDING", "waiting")
        reply = assert_reply(bank.polls(uin, reply), "VALID", "granted")
        assert reply.token.count(".") == 2 and len(pair.inbox("yes")) == 1
    with checks.case("a no, and nobody's number"):
        uin = subject("no").iin
        assert_reply(bank.polls(uin, bank.asks(uin, method="1")), "INVALID", "subject-refused")
        assert_reply(bank.asks(subject("no-phone").iin, method="1"), "NOT_FOUND", "no-phone")
    with checks.case("the code of method 5 comes by 1414 and goes back through ШЭП"):
        uin = subject("reads-code").iin
        reply = assert_reply(bank.asks(uin, method="5"), "PENDING", "waiting")
        eventually("the code is on the phone", lambda: len(pair.inbox("reads-code")) == 1)
        code = pair.inbox("reads-code")[0].split("KOD ")[1].split(" ")[0]
        assert_reply(bank.asks(uin, request_id=reply.request_id, code=code), "VALID", "granted")
    with checks.case("what its sender did not sign goes no further"):
        body = bank.signed(bank.message(bank.fields(subject("yes").iin, [SERVICE], method="1")))
        fault = fault_of(bank.post(body.replace(b"Retail", b"Detail")))
        assert fault.error_code == "SCE006", fault.faultstring
        assert len(pair.inbox("yes")) == 1


def roll_over(pair: Pair, checks: Checks) -> None:
    uin = pair.sandbox.subject("no-phone").iin
    with checks.case("another certificate of ШЭП signs from one message to the next, both ways"):
        pair.sandbox.post("/sandbox/shep/certificate", {"signs": "next"})
        pair.trusts("shep.next.cert.pem", "ca.next.pem")
        assert_reply(pair.bank.asks(uin, method="1"), "NOT_FOUND", "no-phone")
        pair.sandbox.post("/sandbox/shep/certificate", {"signs": "rsa"})
        pair.trusts("shep.cert.pem", "ca.pem")
        assert_reply(pair.bank.asks(uin, method="1"), "NOT_FOUND", "no-phone")


def switches(pair: Pair, checks: Checks) -> None:
    uin = pair.sandbox.subject("no-phone").iin
    for word in ("unsigned", "wrong_signature", "foreign_certificate"):
        with checks.case(f"libxmlsec1 does not believe an answer that is {word}"):
            pair.faults({"shep": {word: {"count": 1}}})
            try:
                pair.bank.asks(uin, method="1")
            except Exception:  # Whatever it names, it is a no.
                believed = False
            else:
                believed = True
            assert not believed
            assert_reply(pair.bank.asks(uin, method="1"), "NOT_FOUND", "no-phone")
    with checks.case("a switch that nobody knows is refused with those that are"):
        try:
            pair.faults({"bmg": {"lazy": {}}})
        except urllib.error.HTTPError as error:
            assert error.code == 400 and "delay_ms" in error.read().decode()
        else:
            raise AssertionError("it was taken")


def killed(pair: Pair, checks: Checks) -> None:
    uin = pair.sandbox.subject("yes").iin
    with checks.case("kill -9 of the service while 1414 has the reply: heard after the start, asked once"):
        before = len(pair.inbox("yes"))
        pair.faults({"replies": {"lost_request": {}}})
        reply = pair.bank.asks(uin, method="1")
        eventually("the subject is asked", lambda: len(pair.inbox("yes")) == before + 1)
        pair.stop_service(signal.SIGKILL)
        pair.faults({})
        pair.start_service()
        assert_reply(pair.bank.polls(uin, reply), "VALID", "granted")
        assert len(pair.inbox("yes")) == before + 1
    with checks.case("kill -9 of the stand while it has a reply: brought after the start, asked once"):
        before = len(pair.inbox("yes"))
        pair.faults({"replies": {"lost_request": {}}})
        reply = pair.bank.asks(uin, method="1")
        eventually("the subject is asked", lambda: len(pair.inbox("yes")) == before + 1)
        pair.restart_sandbox()
        assert_reply(pair.bank.polls(uin, reply), "VALID", "granted")
        assert len(pair.inbox("yes")) == before + 1
    with checks.case("kill -9 of both with a pushed request: one RESPONSE, asked once"):
        before = len(pair.inbox("yes"))
        pair.faults({"pushes": {"lost_answer": {}}, "async": {"lost_answer": {}}})
        chain = pair.push(uin)
        eventually("the subject is asked", lambda: len(pair.inbox("yes")) == before + 1)
        pair.stop_service(signal.SIGKILL)
        pair.start_service()
        pair.restart_sandbox()
        eventually("the RESPONSE is there", lambda: len(pair.responses(chain)) > 0)
        time.sleep(2)
        said = [each["fields"]["status"] for each in pair.responses(chain)]
        assert said == ["VALID"] and len(pair.inbox("yes")) == before + 1, said
