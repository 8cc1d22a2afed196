"""A client of КДП that shares no code with the service: lxml, libxmlsec1, PyJWT.

`Line` is one keep-alive connection, `Caller` one party that may speak for one sender.
"""

from __future__ import annotations

import http.client
import itertools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509
from lxml import etree

from dsig import Profile, Signer, sign, verify
from envelope import Message, build, in_order, serialise
from jws import Expected, check_security_token, ovt, ovt_claims
from reply import Reply, SoapFault, is_fault, parse, read_fault, read_reply
from sandbox import Peer, Sandbox, in_future

PATH = "/shep/sync"
_ends = itertools.count()
XML_HEADERS = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '""'}


@dataclass(frozen=True)
class Answer:
    """What came back over HTTP."""

    http_status: int
    headers: dict[str, str]
    body: bytes
    closes: bool


class Line:
    """One HTTP/1.1 connection. It reconnects only after the server said `Connection: close`."""

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        self._connection = http.client.HTTPConnection(host, port, timeout=40)
        self.opened = 0

    def send(self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> Answer:
        if self._connection.sock is None:
            self._connection.connect()
            self.opened += 1
        self._connection.request(method, path, body, headers or {})
        response = self._connection.getresponse()
        content = response.read()
        lowered = {name.lower(): value for name, value in response.getheaders()}
        said = "close" in lowered.get("connection", "").lower()
        assert said or not response.will_close, "the server closes without Connection: close"
        return Answer(response.status, lowered, content, said)

    def post(self, body: bytes, headers: dict[str, str] | None = None) -> Answer:
        return self.send("POST", PATH, body, XML_HEADERS if headers is None else headers)

    def close(self) -> None:
        self._connection.close()


def soap_content(answer: Answer) -> etree._Element:
    assert answer.headers.get("content-type", "").lower() == "text/xml; charset=utf-8", (
        f"Content-Type {answer.headers.get('content-type')!r}"
    )
    return parse(answer.body)


def fault_of(answer: Answer) -> SoapFault:
    """The fault, with the HTTP status that its code demands."""
    fault = read_fault(soap_content(answer))
    due = {"KDP413": 413, "KDP429": 429, "KDP503": 503}.get(fault.error_code or "", 500)
    assert answer.http_status == due, f"{fault.error_code} with HTTP {answer.http_status}, expected {due}"
    return fault


class Caller:
    """Signs as `signer` and names `initiator` as the sender, as ШЭП or a direct integrator does."""

    def __init__(
        self, sandbox: Sandbox, line: Line, initiator: Peer, signer: Signer, authority: x509.Certificate
    ) -> None:
        self.sandbox = sandbox
        self.line = line
        self.initiator = initiator
        self.signer = signer
        self.authority = authority

    def fields(self, uin: str, services: list[str], **values: str | None) -> dict[str, str | None]:
        """The usual payload; values given override, None leaves an element out. `_` stands for `-`."""
        usual: dict[str, str | None] = {
            "uin": uin,
            "company": "Test Bank JSC",
            "company_bin": self.initiator.bin,
            "company_responsible": "Retail",
            "employee_name": "A. Tester",
            "access_name": ";".join(services),
            "personal_data_name": "Address",
        }
        return usual | {{"omit_sms": "omit-sms"}.get(name, name): text for name, text in values.items()}

    def message(self, values: dict[str, str | None], **changes: Any) -> Message:
        standard: dict[str, Any] = {
            "sender_id": self.initiator.sender_id,
            "password": self.initiator.password,
            "message_date": self.sandbox.now().isoformat(timespec="milliseconds"),
            "fields": in_order(values),
        }
        return Message(**(standard | changes))

    def signed(self, message: Message, profile: Profile | None = None) -> bytes:
        root = build(message)
        sign(root, self.signer, profile)
        return serialise(root)

    def reply(self, answer: Answer) -> Reply:
        """A normal answer; its signature, certificate and form are checked."""
        root = soap_content(answer)
        if is_fault(root):
            raise AssertionError(f"fault instead of an answer: {fault_of(answer).faultstring}")
        assert answer.http_status == 200, f"HTTP {answer.http_status}"
        verify(root, self.authority, self.sandbox.now())
        return read_reply(root)

    def send(self, values: dict[str, str | None], profile: Profile | None = None, **changes: Any) -> Reply:
        return self.reply(self.line.post(self.signed(self.message(values, **changes), profile)))

    def ask(self, uin: str, services: list[str], **values: str | None) -> Reply:
        return self.send(self.fields(uin, services, **values))

    def ask_own(self, uin: str, services: list[str], token: str | None, **values: str | None) -> Reply:
        """Method 2: the initiator's own means."""
        return self.ask(uin, services, omit_sms="true", ovt=token, **values)

    def repeat(self, uin: str, services: list[str], request_id: str, **values: str | None) -> Reply:
        return self.ask(uin, services, omit_sms="false", request_id=request_id, **values)

    def ovt(self, **claims: Any) -> str:
        """A good verification token of the initiator, unlike any before it; claims given override."""
        standard = ovt_claims(self.initiator.bin or "", in_future(self.sandbox.now()))
        # Tokens of one second would be equal; real ones carry no jti, so their ends differ here.
        standard["exp"] += next(_ends) % 20_000
        return ovt(self.initiator.signer, standard | claims)

    def jwks(self) -> dict[str, Any]:
        return json.loads(self.line.send("GET", "/.well-known/jwks.json").body)

    def check_token(self, reply: Reply, uin: str, services: list[str], method: int, **more: Any) -> dict[str, Any]:
        expected = Expected(
            uin=uin,
            cbin=self.initiator.bin or "",
            services=set(services),
            method=method,
            now=in_future(self.sandbox.now()),
            mcheck=more.pop("mcheck", "OTP" if method == 2 else None),
            request_id=reply.data.get("request_id"),
            **more,
        )
        return check_security_token(reply.token, self.jwks(), reply.data["public-key"], expected)


def authority_of(data: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate((data / "pki/ca.pem").read_bytes())


class World:
    """The sandbox with the callers that the cases use."""

    def __init__(self, sandbox: Sandbox, data: Path) -> None:
        self.sandbox = sandbox
        self.authority = authority_of(data)
        self.line = Line(sandbox.port)
        bank = sandbox.peers["bank"]
        self.through_shep = self.caller("bank", "shep")
        self.direct = self.caller("bank", "bank")
        self.akimat = self.caller("akimat", "shep")
        self.services = [name for name in bank.services if name in sandbox.peers["owner"].services]
        assert self.services, "bank may ask for none of owner's services"

    def caller(self, initiator: str, signer: str, line: Line | None = None) -> Caller:
        peers = self.sandbox.peers
        return Caller(self.sandbox, line or self.line, peers[initiator], peers[signer].signer, self.authority)


def assert_reply(reply: Reply, status: str, reason: str | tuple[str, ...] | None, code: str = "SCSS001") -> Reply:
    """The one comparison that nearly every case makes."""
    reasons = (reason,) if isinstance(reason, str) or reason is None else reason
    assert reply.info_code == code, f"code {reply.info_code}, expected {code}: {reply.brief()}"
    assert reply.status == status, f"status {reply.status}, expected {status}: {reply.brief()}"
    assert reason is None or reply.reason in reasons, f"reason {reply.reason}, expected {reasons}: {reply.brief()}"
    return reply
