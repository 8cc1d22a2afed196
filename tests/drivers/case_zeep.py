"""The contract in the hands of zeep: loaded without a warning, called with zeep's own WS-Security."""

from __future__ import annotations

import logging
import warnings
from typing import Any

import requests
import xmlsec
import zeep
from lxml import etree
from zeep.transports import Transport
from zeep.wsse.signature import BinarySignature, Signature

from check import Checks
from dsig import Signer, sign, verify
from envelope import SOAP
from kdp_client import Caller, World, assert_reply
from reply import Reply

PAYLOAD = "http://service.2fa-chain.kz/ns/kdp"


class Warnings(logging.Handler):
    """Collects what zeep has to say about the contract."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())


class _AnswerCheck:
    """zeep would verify an answer with the caller's own certificate; here it is the service's."""

    world: World

    def verify(self, envelope: etree._Element) -> etree._Element:
        if envelope.find(f"{{{SOAP}}}Body/{{{SOAP}}}Fault") is None:
            verify(envelope, self.world.authority, self.world.sandbox.now())
        return envelope


class OwnSignature(_AnswerCheck, Signature):
    """zeep's Signature: X509IssuerSerial and X509Certificate together."""


class OwnBinarySignature(_AnswerCheck, BinarySignature):
    """zeep's BinarySignature: a BinarySecurityToken."""


class DriverSignature(_AnswerCheck):
    """zeep builds, the driver signs."""

    def __init__(self, signer: Signer) -> None:
        self._signer = signer

    def apply(self, envelope: etree._Element, headers: dict[str, str]) -> tuple[etree._Element, dict[str, str]]:
        if envelope.find(f"{{{SOAP}}}Header") is None:
            envelope.insert(0, etree.Element(f"{{{SOAP}}}Header"))
        sign(envelope, self._signer)
        return envelope, headers


def run(world: World, checks: Checks) -> None:
    checks.topic("zeep")
    url = f"http://127.0.0.1:{world.sandbox.port}/shep/sync?wsdl"
    with checks.case("?wsdl is loaded with no warning"):
        client = load(url)
        operations = client.service._binding._operations
        assert list(operations) == ["SendMessage"], f"operations {list(operations)}"
    caller = world.through_shep
    for title, wsse in signatures(world, caller.signer):
        client = zeep.Client(url, wsse=wsse, transport=Transport(session=requests.Session(), timeout=30))
        with checks.case(f"a request that zeep builds, signed by {title}, gets a VALID token"):
            answer = call(client, caller, text_payload(world, caller))
            assert_valid(world, caller, answer)
    client = zeep.Client(url, wsse=next(iter(signatures(world, caller.signer)))[1])
    with checks.case("a wrong password surfaces as zeep.exceptions.Fault with its detail"):
        fault = fault_of_call(client, caller, text_payload(world, caller))
        assert (fault.message or "").startswith("KDP401"), fault.message
        codes = fault.detail.xpath(".//*[local-name()='errorCode']/text()")
        assert codes == ["KDP401"], f"detail has {codes}"


def fault_of_call(client: zeep.Client, caller: Caller, data: str) -> zeep.exceptions.Fault:
    try:
        call(client, caller, data, password="x" * 40)
    except zeep.exceptions.Fault as fault:
        return fault
    raise AssertionError("no Fault")


def load(url: str) -> zeep.Client:
    """Fails on any warning, of the warnings module or of a logger."""
    collected = Warnings()
    logging.getLogger().addHandler(collected)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            client = zeep.Client(url, settings=zeep.Settings(strict=True))
    finally:
        logging.getLogger().removeHandler(collected)
    assert not collected.texts, f"zeep warns: {collected.texts}"
    return client


def signatures(world: World, signer: Signer) -> list[tuple[str, _AnswerCheck]]:
    algorithms = {
        "signature_method": xmlsec.constants.TransformRsaSha256,
        "digest_method": xmlsec.constants.TransformSha256,
    }
    made: list[tuple[str, _AnswerCheck]] = [
        ("zeep's BinarySignature", OwnBinarySignature(signer.key_path, signer.cert_path, **algorithms)),
        ("zeep's Signature", OwnSignature(signer.key_path, signer.cert_path, **algorithms)),
        ("the driver", DriverSignature(signer)),
    ]
    for _, each in made:
        each.world = world
    return made


def text_payload(world: World, caller: Caller) -> str:
    """The payload as escaped text: what zeep makes of a str for xsd:anyType."""
    root = etree.Element(f"{{{PAYLOAD}}}getUserDataRequest", nsmap={None: PAYLOAD})
    values = caller.fields(world.sandbox.subject("yes").iin, world.services[:1], omit_sms="true", ovt=caller.ovt())
    for message_field in caller.message(values).fields:
        etree.SubElement(root, f"{{{PAYLOAD}}}{message_field[0]}").text = message_field[1]
    return etree.tostring(root, encoding="unicode")


def call(client: zeep.Client, caller: Caller, data: Any, password: str | None = None) -> Any:
    return client.service.SendMessage(
        request={
            "requestInfo": {
                "messageId": "zeep",
                "serviceId": "KDP_SERVICE",
                "messageDate": caller.sandbox.now(),
                "sender": {
                    "senderId": caller.initiator.sender_id,
                    "password": password or caller.initiator.password,
                },
            },
            "requestData": {"data": data},
        }
    )


def assert_valid(world: World, caller: Caller, answer: Any) -> None:
    """Reads the object that zeep made: code, status and token, and holds the token against its keys."""
    status = answer.responseInfo.status
    data = {etree.QName(each).localname: each.text or "" for each in answer.responseData.data}
    reply = assert_reply(Reply(status.code, status.message, data), "VALID", "granted")
    caller.check_token(reply, world.sandbox.subject("yes").iin, world.services[:1], 2)
