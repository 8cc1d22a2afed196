"""A client of the services of wire.md 2.3 and 2.4, beside `KDP_SERVICE`.

`Party` is one party that may call them; `Answered` is an answer held against the published schemas.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Union

import jwt
from cryptography import x509
from jwcrypto import jwk, jws
from lxml import etree

from dsig import Signer, sign, verify
from envelope import Message, T, Wrapper, build, child, find, name_in, serialise
from kdp_client import Answer, Caller, Line, World, fault_of, soap_content
from reply import DONE, OUR_TIME, SoapFault, _children, _payload, is_fault
from sandbox import Peer, Sandbox

S = "urn:kdp:services:v1"
PD = "http://service.2fa-chain.kz/ns/kdp/personalData"
SCHEMAS = Path(__file__).resolve().parents[2] / "schemas"
RESPONSES = {
    "KDP_CHECK_TOKEN": "checkTokenResponse",
    "KDP_REVOKE": "revokeResponse",
    "KDP_LIST_TO_REVOKE": "listToRevokeResponse",
    "KDP_SEND_SOLUTION": "sendSolutionResponse",
    "KDP_SMS_REPLY": "smsReplyResponse",
    "KDP_PERSONALDATA": "personalDataResponse",
}

# A payload: names with a text, or with children in turn.
Tree = Sequence[tuple[str, Union[str, "Tree"]]]


@dataclass(frozen=True)
class Answered:
    """What a service answered: its code, its message and the children of data."""

    code: str
    message: str
    data: etree._Element | None

    def text(self, path: str) -> str | None:
        """The text at a path of local names below data; None when there is none."""
        found = self.all(path)
        assert len(found) <= 1, f"{len(found)} elements {path}"
        return (found[0].text or "") if found else None

    def all(self, path: str) -> list[etree._Element]:
        if self.data is None:
            return []
        steps = "/".join(f"*[local-name()='{local}']" for local in path.split("/"))
        return self.data.xpath(steps)

    def must(self, path: str) -> str:
        text = self.text(path)
        assert text is not None, f"no {path} in the answer: {self.brief()}"
        return text

    @property
    def names(self) -> list[str]:
        return [] if self.data is None else [etree.QName(each).localname for each in self.data]

    def says(self, word: str) -> bool:
        """Whether a reason code or the name of an element stands in the message or in data."""
        texts = [self.message, *([] if self.data is None else self.data.itertext())]
        return any(word in text for text in texts)

    def brief(self) -> str:
        shown = {name: self.all(name)[0].text for name in self.names if name not in {"receipt", "uin", "r_pdata"}}
        return f"{self.code} «{self.message}» {shown}"


class Party:
    """One registered peer, which signs itself or through the gateway."""

    def __init__(self, sandbox: Sandbox, line: Line, peer: Peer, signer: Signer, authority: x509.Certificate) -> None:
        self.sandbox = sandbox
        self.line = line
        self.peer = peer
        self.signer = signer
        self.authority = authority

    def envelope(
        self, service_id: str, payload: Tree, namespace: str | None, wrapper: Wrapper, single: str | None
    ) -> bytes:
        message = Message(
            self.peer.sender_id or "",
            self.peer.password,
            self.sandbox.now().isoformat(timespec="milliseconds"),
            [],
            service_id=service_id,
            wrapper=wrapper,
        )
        root = build(message)
        data = find(root, "data")
        fill(child(data, namespace, single) if single else data, namespace, payload)
        sign(root, self.signer)
        return serialise(root)

    def post(
        self,
        service_id: str,
        payload: Tree,
        namespace: str | None = S,
        wrapper: Wrapper = Wrapper.SEND_MESSAGE,
        single: str | None = None,
    ) -> Answer:
        return self.line.post(self.envelope(service_id, payload, namespace, wrapper, single))

    def call(self, service_id: str, payload: Tree, **form: Any) -> Answered:
        """An answer that is no fault; its signature, its shape and its schema are checked."""
        answer = self.post(service_id, payload, **form)
        root = soap_content(answer)
        if is_fault(root):
            raise AssertionError(f"fault instead of an answer: {fault_of(answer).faultstring}")
        assert answer.http_status == 200, f"HTTP {answer.http_status}"
        verify(root, self.authority, self.sandbox.now())
        return read(root, service_id)

    def done(self, service_id: str, payload: Tree, **form: Any) -> Answered:
        """An answer with SCSS001."""
        answered = self.call(service_id, payload, **form)
        assert answered.code == "SCSS001", answered.brief()
        return answered

    def fault(self, service_id: str, payload: Tree, **form: Any) -> SoapFault:
        answer = self.post(service_id, payload, **form)
        root = soap_content(answer)
        assert is_fault(root), f"an answer instead of a fault: {read(root, service_id).brief()}"
        return fault_of(answer)


def fill(parent: etree._Element, namespace: str | None, payload: Tree) -> None:
    for name, value in payload:
        if isinstance(value, str):
            child(parent, namespace, name, value)
        else:
            fill(child(parent, namespace, name), namespace, value)


_schemas: dict[str, etree.XMLSchema] = {}


def schema(name: str) -> etree.XMLSchema:
    if name not in _schemas:
        _schemas[name] = etree.XMLSchema(etree.parse(SCHEMAS / name))
    return _schemas[name]


def read(root: etree._Element, service_id: str) -> Answered:
    """`{T}SendMessageResponse`; data against the schema of its service (wire.md 2.3, 2.4)."""
    top = _payload(root)
    assert top.tag == name_in(T, "SendMessageResponse"), f"the answer is {top.tag}"
    schema("SyncChannel.xsd").assertValid(top)
    response = top[0]
    info = _children(
        response.find("responseInfo"), None, ("messageId", "correlationId", "responseDate", "status", "sessionId")
    )
    assert OUR_TIME.fullmatch(info["responseDate"]), f"responseDate {info['responseDate']!r}"
    status = _children(response.find("responseInfo/status"), None, ("code", "message"))
    assert status["code"] in {"SCSS001", "SCSE001", "SCSE002", "SCSE003"}, f"code {status['code']}"
    assert status["code"] != "SCSS001" or status["message"] == DONE, f"message of SCSS001: {status['message']!r}"
    data = response.find("responseData/{*}data")
    valid_data(data, service_id if status["code"] == "SCSS001" else None)
    return Answered(status["code"], status["message"], data)


def valid_data(data: etree._Element | None, service_id: str | None) -> None:
    """The published schemas have one element for the children of data of each answer, and one for any refusal."""
    assert data is not None, "an answer without data"
    namespace = PD if service_id == "KDP_PERSONALDATA" else S
    whole = etree.Element(name_in(namespace, RESPONSES[service_id] if service_id else "refusal"))
    for each in data:
        whole.append(etree.fromstring(etree.tostring(each)))
    schema("kdp-personal-data.xsd" if namespace == PD else "kdp-services.xsd").assertValid(whole)


class Parties:
    """The callers of all services, as the cases use them."""

    def __init__(self, world: World, line: Line | None = None) -> None:
        self.world = world
        self.line = line or world.line
        self.egov = self.party("egov")
        self.owner = self.party("owner")
        self.bank = self.party("bank")
        self.akimat = self.party("akimat")
        self.stat = self.party("stat")

    def party(self, name: str, signer: str | None = None, line: Line | None = None) -> Party:
        peers = self.world.sandbox.peers
        return Party(
            self.world.sandbox,
            line or self.line,
            peers[name],
            peers[signer or name].signer,
            self.world.authority,
        )


# --- the calls, as the cases write them -----------------------------------------------------------


def check_by_code(party: Party, code: str, service_id: str, **more: str) -> Answered:
    return party.done("KDP_CHECK_TOKEN", ordered([("code", code), ("service_id", service_id)], more))


def check_by_id(party: Party, token_id: str, service_id: str, uin: str, **more: str) -> Answered:
    return party.done(
        "KDP_CHECK_TOKEN", ordered([("token_id", token_id), ("service_id", service_id)], {"uin": uin, **more})
    )


def ordered(payload: list[tuple[str, str]], more: dict[str, str]) -> Tree:
    return payload + [(name, more[name]) for name in ("uin", "requested_at") if name in more]


def revoke(egov: Party, uin: str, token_id: str | None = None, request_id: str | None = None, **more: str) -> Answered:
    """Files an application for revocation."""
    named = [("token_id", token_id)] if token_id else [("request_id", request_id or "")]
    payload = [("uin", uin), *named, ("applicant", more.pop("applicant", "subject")), *more.items()]
    return egov.done("KDP_REVOKE", payload)


def revocation_state(egov: Party, application_id: str) -> Answered:
    return egov.done("KDP_REVOKE", [("application_id", application_id)])


def open_applications(initiator: Party) -> list[dict[str, str]]:
    """Every page of KDP_LIST_TO_REVOKE, read to its end."""
    found: list[dict[str, str]] = []
    after: str | None = None
    while True:
        page = initiator.done("KDP_LIST_TO_REVOKE", [("after", after)] if after else [])
        rows = [{etree.QName(part).localname: part.text or "" for part in each} for each in page.all("application")]
        if not rows:
            return found
        assert rows[-1]["application_id"] != after, "paging does not move"
        found += rows
        after = rows[-1]["application_id"]


CONTRACT: Tree = [("number", "17-К"), ("date", "2023-01-16"), ("name", "Договор банковского займа")]
ACT: Tree = [
    ("name", "Закон о банках"),
    ("number", "2444"),
    ("date", "1995-08-31"),
    ("article", "34"),
]
REFUSAL: Tree = [("reason", "Заём не погашен"), ("contract", CONTRACT)]


def approve(application_id: str) -> Tree:
    return [("application_id", application_id), ("decision", "approve")]


def refuse(application_id: str, why: Tree = REFUSAL) -> Tree:
    return [("application_id", application_id), ("decision", "refuse"), *why]


def decide(initiator: Party, payload: Tree) -> Answered:
    return initiator.call("KDP_SEND_SOLUTION", payload)


def accesses(egov: Party, uin: str, start: datetime, end: datetime) -> list[dict[str, Any]]:
    """The accesses that the subject is shown, and their order and uin asserted."""
    payload = [("uin", uin), ("start_date", stamp(start)), ("end_date", stamp(end))]
    answered = egov.done("KDP_PERSONALDATA", payload, namespace=PD, wrapper=Wrapper.SEND_MESSAGE_REQUEST)
    assert answered.must("uin") == uin, "the log of another subject"
    rows = json.loads(answered.must("r_pdata"))
    assert isinstance(rows, list), "r_pdata is no array"
    return rows


def all_accesses(egov: Party, uin: str, start: datetime, end: datetime) -> list[dict[str, Any]]:
    """Every access of a period, asked for again before the oldest one until nothing is new."""
    known: dict[str, dict[str, Any]] = {}
    while True:
        page = {json.dumps(row, sort_keys=True): row for row in accesses(egov, uin, start, end)}
        if page.keys() <= known.keys():
            return list(known.values())
        known |= page
        end = min(datetime.fromisoformat(row["when"]) for row in page.values()) + timedelta(milliseconds=1)


def stamp(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")


# --- what the service signs beside its answers ------------------------------------------------------


def verified_twice(token: str, jwks: dict[str, Any], typ: str) -> dict[str, Any]:
    """Claims of a JWS of the service, verified by PyJWT and again by jwcrypto; its typ asserted."""
    header = jwt.get_unverified_header(token)
    assert header.get("typ") == typ, f"typ {header.get('typ')!r}, expected {typ!r}"
    assert header.get("alg") in {"RS256", "ES256", "PS256"}, f"alg {header.get('alg')}"
    key = jwt.PyJWKSet.from_dict(jwks)[header["kid"]]
    options: Any = {"verify_exp": False, "verify_nbf": False, "verify_iat": False, "verify_aud": False}
    claims = jwt.decode(token, key, algorithms=[header["alg"]], options=options)
    keys = jwk.JWKSet.from_json(json.dumps(jwks))
    again = jws.JWS()
    again.deserialize(token, keys.get_key(header["kid"]), alg=header["alg"])
    assert json.loads(again.payload) == claims, "the two libraries read different claims"
    return claims


def jti_of(token: str) -> str:
    """The id of a security token, read without verifying."""
    return str(claims_of(token)["jti"])


def claims_of(token: str) -> dict[str, Any]:
    middle = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))


def granted(caller: Caller, uin: str, services: list[str], **values: str | None) -> Any:
    """A token by method 2, for the cases that need one to begin with."""
    reply = caller.ask_own(uin, services, values.pop("ovt", None) or caller.ovt(), **values)
    assert (reply.info_code, reply.status) == ("SCSS001", "VALID"), reply.brief()
    return reply
