"""Answers and faults, read as strictly as wire.md says they are written."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lxml import etree

from envelope import SOAP, K, T, name_in

ERROR_INFO = ("errorCode", "errorMessage", "errorData", "errorDate", "subError", "sessionId")
DATA = (
    "status",
    "code",
    "public-key",
    "request_id",
    "reason",
    "reason_text",
    "poll_after",
    "expires_at",
    "decision_id",
    "dry_run",
)
CHECK = ("name", "title", "paragraph", "passed", "found", "expected")
STATUSES = {"PENDING", "VALID", "INVALID", "TIMEOUT", "NOT_FOUND", "ERROR"}
OUR_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+05:00")
DONE = "Message has been processed successfully"


@dataclass(frozen=True)
class DryRun:
    """The checks of a dry run by name, each with whether it passes; those it does not judge; what would come next."""

    checks: dict[str, bool]
    not_judged: tuple[str, ...]
    next: str


@dataclass(frozen=True)
class Reply:
    """The answer to one KDP_SERVICE request."""

    info_code: str
    message: str
    data: dict[str, str]
    dry_run: DryRun | None = None

    @property
    def status(self) -> str:
        return self.data["status"]

    @property
    def reason(self) -> str | None:
        return self.data.get("reason")

    @property
    def request_id(self) -> str:
        return self.data["request_id"]

    @property
    def token(self) -> str:
        return self.data["code"]

    def brief(self) -> str:
        return f"{self.info_code} {self.data.get('status')} {self.reason} «{self.message}»"


@dataclass(frozen=True)
class SoapFault:
    """A fault; `error_code` is None where SOAP itself forbids a detail."""

    faultcode: str
    faultstring: str
    error_code: str | None
    detail_text: str


def parse(body: bytes) -> etree._Element:
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    root = etree.fromstring(body, parser)
    assert root.tag == name_in(SOAP, "Envelope"), f"the answer's root is {root.tag}"
    assert root.getroottree().docinfo.doctype == "", "the answer has a DTD"
    assert not root.xpath("//processing-instruction()"), "the answer has a processing instruction"
    return root


def _payload(root: etree._Element) -> etree._Element:
    children = [each.tag for each in root]
    assert children in ([name_in(SOAP, "Header"), name_in(SOAP, "Body")], [name_in(SOAP, "Body")]), children
    body = root[-1]
    assert len(body) == 1, f"{len(body)} children of Body"
    return body[0]


def is_fault(root: etree._Element) -> bool:
    return _payload(root).tag == name_in(SOAP, "Fault")


def read_reply(root: etree._Element) -> Reply:
    """Either form of wire.md 2.2; every name, namespace and order is asserted."""
    top = _payload(root)
    kdp = top.tag == name_in(K, "sendMessageResponse")
    assert kdp or top.tag == name_in(T, "SendMessageResponse"), f"unknown answer {top.tag}"
    namespace = K if kdp else None

    def only(parent: etree._Element, local: str) -> etree._Element:
        assert [each.tag for each in parent] == [name_in(namespace, local)], f"children of {parent.tag}"
        return parent[0]

    response = only(top, "response")
    assert [each.tag for each in response] == [
        name_in(namespace, "responseInfo"),
        name_in(namespace, "responseData"),
    ], "children of response"
    order = (
        ("messageId", "responseDate", "status", "sessionId")
        if kdp
        else (
            "messageId",
            "correlationId",
            "responseDate",
            "status",
            "sessionId",
        )
    )
    info = _children(response[0], namespace, order)
    assert info.get("messageId", ""), "responseInfo without messageId"
    assert OUR_TIME.fullmatch(info["responseDate"]), f"responseDate {info['responseDate']!r}"
    status = _children(response[0].find(name_in(namespace, "status")), namespace, ("code", "message"))
    code, message = status["code"], status["message"]
    assert code in {"SCSS001", "SCSE001", "SCSE002", "SCSE003"}, f"code {code}"
    assert len(message) <= 250, f"message of {len(message)} characters"
    assert code != "SCSS001" or message == DONE, f"message of SCSS001 is {message!r}"
    element = only(response[1], "data")
    data = _children(element, K, DATA)
    _check_data(data)
    dry_run = element.find(name_in(K, "dry_run"))
    return Reply(code, message, data, None if dry_run is None else _dry_run(dry_run))


def _dry_run(element: etree._Element) -> DryRun:
    order = [etree.QName(each).localname for each in element]
    assert all(etree.QName(each).namespace == K for each in element), "dry_run in another namespace"
    assert order == sorted(order, key=("check", "not_judged", "next", "next_text").index), f"order {order}"
    checks = [_children(each, K, CHECK) for each in element.findall(name_in(K, "check"))]
    assert checks and all(set(each) == set(CHECK) for each in checks), "a check without a part"
    assert all(each["passed"] in {"true", "false"} for each in checks), "passed is no boolean"
    assert all(each["passed"] == "true" for each in checks[:-1]), "a check ran after one that failed"
    assert element.findtext(name_in(K, "next_text")), "next without a text"
    return DryRun(
        {each["name"]: each["passed"] == "true" for each in checks},
        tuple(each.text or "" for each in element.findall(name_in(K, "not_judged"))),
        element.findtext(name_in(K, "next")) or "",
    )


def _children(parent: etree._Element, namespace: str | None, order: tuple[str, ...]) -> dict[str, str]:
    names = [each.tag for each in parent]
    allowed = [name_in(namespace, local) for local in order]
    assert len(set(names)) == len(names) and set(names) <= set(allowed), f"{parent.tag} has {names}"
    assert names == [each for each in allowed if each in names], f"{parent.tag}: order {names}"
    return {etree.QName(each).localname: each.text or "" for each in parent}


def _check_data(data: dict[str, str]) -> None:
    assert data.get("status") in STATUSES, f"data/status {data.get('status')!r}"
    valid = data["status"] == "VALID"
    for name in ("code", "public-key"):
        assert (name in data) == valid, f"{name} with status {data['status']}"
        assert not valid or (data[name] and not re.search(r"\s", data[name])), f"{name} is not on one line"
    if data["status"] in {"INVALID", "TIMEOUT", "NOT_FOUND"}:
        assert data.get("reason"), "a no without a reason"
    if "reason" in data:
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", data["reason"]), f"reason {data['reason']!r}"
    if "expires_at" in data:
        assert OUR_TIME.fullmatch(data["expires_at"]), f"expires_at {data['expires_at']!r}"
    if "poll_after" in data:
        assert data["poll_after"].isdigit(), f"poll_after {data['poll_after']!r}"


def read_fault(root: etree._Element) -> SoapFault:
    """A fault as SOAP 1.1, WS-I and wire.md 1 and 4 want it."""
    fault = _payload(root)
    assert fault.tag == name_in(SOAP, "Fault"), f"not a fault: {fault.tag}"
    parts = _children(fault, None, ("faultcode", "faultstring", "faultactor", "detail"))
    prefix, _, local = parts["faultcode"].rpartition(":")
    assert fault.find("faultcode").nsmap.get(prefix or None) == SOAP, "faultcode not in the SOAP namespace"
    assert local in {"Client", "Server", "VersionMismatch", "MustUnderstand"}, f"faultcode {local}"
    detail = fault.find("detail")
    if detail is None:
        assert local in {"VersionMismatch", "MustUnderstand"}, f"a {local} fault without detail"
        return SoapFault(local, parts["faultstring"], None, "")
    assert [each.tag for each in detail] == [name_in(T, "SendMessageFault1_SendMessageFault")], "detail"
    info = _children(detail[0], None, ERROR_INFO)
    for name in ("errorCode", "errorMessage", "errorDate"):
        assert info.get(name), f"fault without {name}"
    assert OUR_TIME.fullmatch(info["errorDate"]), f"errorDate {info['errorDate']!r}"
    assert parts["faultstring"].startswith(info["errorCode"]), "faultstring does not start with errorCode"
    return SoapFault(
        local, parts["faultstring"], info["errorCode"], f"{info['errorMessage']} {info.get('errorData', '')}"
    )
