"""AsyncChannel in the hands of clients made from its WSDL: a request is pushed, its RESPONSE comes after the subject's
answer, whoever is killed in between."""

from __future__ import annotations

import json
import signal
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from carriage import AC, A, Carriage
from case_stand import SERVICE, Pair, eventually
from check import Checks
from generated import Generated, Receipt, Refused, Request, Suds, Zeep, no_warnings
from jws import Expected, check_security_token
from kdp_client import assert_reply
from reply import Reply
from sandbox import Subject, in_future

WSDL = Path(__file__).resolve().parents[2] / "wsdl/AsyncChannel.wsdl"
CLIENTS: dict[str, Callable[..., Generated]] = {"zeep": Zeep, "suds": Suds}
MISSPELT = "MESSAGE_NOT_ACCTEPTED"
SERVED = {"sendMessage", "changeMassageStatusNotification"}
OF_SHEP = {"sendMessage", "sendDeliveryNotification", "getMessageStatus", "getMessages"}


def run_alone(binary: Path, folder: Path, checks: Checks) -> None:
    checks.topic("async")
    with Pair(binary, folder) as pair:
        stage = Stage(pair)
        for name, make in CLIENTS.items():
            contract(stage, checks, name, make)
            story(stage, checks, name, make)
            refusals(stage, checks, name, make)
            through_shep(stage, checks, name, make)
        service_killed(stage, checks)
        stand_killed(stage, checks)


class Stage:
    """Who pushes, what, and what came of it."""

    def __init__(self, pair: Pair) -> None:
        self.pair = pair
        self.subject: Subject = pair.sandbox.subject("yes")

    def client(self, make: Callable[..., Generated], elements: str = A) -> Generated:
        """As ШЭП pushes to the service."""
        signer = self.pair.sandbox.peers["shep"].signer
        carriage = Carriage(signer, self.pair.sandbox.now, self.pair.bank.authority, elements=elements)
        with no_warnings():
            return make(f"http://127.0.0.1:{self.pair.port}/shep/async?wsdl", carriage)

    def client_of_shep(self, make: Callable[..., Generated]) -> Generated:
        """As an initiator sends to ШЭП."""
        bank = self.pair.bank
        carriage = Carriage(bank.signer, self.pair.sandbox.now, bank.authority, bank.known)
        with no_warnings():
            return make(WSDL.as_uri(), carriage, f"http://127.0.0.1:{self.pair.sandbox.port}/sandbox/shep/push")

    def request(self, **values: str | None) -> Request:
        """Method 1, in a chain of its own."""
        bank = self.pair.bank
        fields = bank.fields(self.subject.iin, [SERVICE], method="1", **values)
        sender = bank.initiator
        date = self.pair.sandbox.now()
        return Request(sender.sender_id or "", sender.password or "", date, fields, new_id(), new_id())

    def is_silent(self, chain: str) -> bool:
        """Whether the stand knows nothing of a chain: it was pushed past it."""
        try:
            self.pair.responses(chain)
        except urllib.error.HTTPError as error:
            return error.code == 404
        return False

    def texts(self) -> int:
        """How often the subject was asked."""
        return len(self.pair.sandbox.inbox(self.subject.msisdn or ""))

    def wait_for_question(self, before: int) -> None:
        eventually("the subject is asked", lambda: self.texts() == before + 1)

    def assert_answered(self, chain: str, before: int) -> None:
        """One RESPONSE, a token that holds, and the subject was asked once more than `before`."""
        eventually("the RESPONSE is there", lambda: len(self.pair.responses(chain)) > 0)
        responses = self.pair.responses(chain)
        assert len(responses) == 1, f"{len(responses)} RESPONSE"
        reply = assert_reply(Reply("SCSS001", "", responses[0]["fields"]), "VALID", "granted")
        bank = self.pair.bank.initiator
        now = in_future(self.pair.sandbox.now())
        expected = Expected(self.subject.iin, bank.bin or "", {SERVICE}, 1, now, "Address", request_id=reply.request_id)
        with urllib.request.urlopen(f"http://127.0.0.1:{self.pair.port}/.well-known/jwks.json", timeout=10) as answer:
            check_security_token(reply.token, json.load(answer), reply.data["public-key"], expected)
        assert self.texts() == before + 1, f"asked {self.texts() - before} times"


def new_id() -> str:
    return str(uuid.uuid4())


def assert_receipt(receipt: Receipt, request: Request) -> None:
    """It names the message and its chain, and when it was taken in."""
    assert (receipt.message_id, receipt.correlation_id) == (request.message_id, request.correlation_id), receipt
    assert abs((receipt.date - request.date).total_seconds()) < 60, f"taken in at {receipt.date}"


def assert_refused(code: str, client: Generated, request: Request) -> None:
    told = None
    try:
        client.push(request)
    except Refused as refused:
        told = refused
    assert told is not None, f"it was taken, expected {code}"
    assert told.code == code, f"refused by {told}, expected {code}"


def contract(stage: Stage, checks: Checks, name: str, make: Callable[..., Generated]) -> None:
    for title, load, operations in (
        ("the WSDL that is served", stage.client, SERVED),
        ("the WSDL of ШЭП's own channel", stage.client_of_shep, OF_SHEP),
    ):
        with checks.case(f"{name} loads {title} with no warning, the contract's spelling kept"):
            client = load(make)
            assert client.operations() == operations, f"operations {client.operations()}"
            assert client.takes(MISSPELT) and client.takes("MESSAGE_ACCEPTED"), "a word of receiveStatus is missing"
            assert not client.takes("MESSAGE_NOT_ACCEPTED"), "the spelling was corrected"


def story(stage: Stage, checks: Checks, name: str, make: Callable[..., Generated]) -> None:
    for elements in (A, AC):
        client = stage.client(make, elements)
        set_name = "Types/Client" if elements == AC else "Types"
        with checks.case(f"{name}, elements of {set_name}: pushed twice, a receipt each, one RESPONSE after the yes"):
            before, request = stage.texts(), stage.request()
            stage.pair.faults({"replies": {"lost_request": {}}})
            assert_receipt(client.push(request), request)
            stage.wait_for_question(before)
            assert_receipt(client.push(request), request)
            chain = request.correlation_id or ""
            assert stage.is_silent(chain), "answered before the subject was"
            stage.pair.faults({})
            stage.assert_answered(chain, before)
        with checks.case(f"{name}, elements of {set_name}: a notification is heard"):
            now = stage.pair.sandbox.now()
            heard = client.notify(new_id(), "NOT_DELIVERED", now)
            assert abs((heard - now).total_seconds()) < 60, f"heard at {heard}"


def refusals(stage: Stage, checks: Checks, name: str, make: Callable[..., Generated]) -> None:
    client, twin = stage.client(make), stage.client(make, AC)
    with checks.case(f"{name} reads the fault about an unsigned message by its types, and the message is not taken"):
        before, request = stage.texts(), stage.request()
        client.carriage.unsigned = True
        assert_refused("SCE007", client, request)
        client.carriage.unsigned = False
        assert_receipt(client.push(request), request)
        stage.assert_answered(request.correlation_id or "", before)
    with checks.case(f"{name}: another request under the same correlationId is KDP409, in either set of elements"):
        other = replace(stage.request(personal_data_name="Name"), correlation_id=request.correlation_id)
        assert_refused("KDP409", client, other)
        assert_refused("KDP409", twin, other)
        assert_receipt(twin.push(request), request)
        time.sleep(1)
        stage.assert_answered(request.correlation_id or "", before)


def through_shep(stage: Stage, checks: Checks, name: str, make: Callable[..., Generated]) -> None:
    with checks.case(f"{name}, as an initiator by ШЭП's own channel: ШЭП gives the chain, and has its RESPONSE"):
        before, request = stage.texts(), replace(stage.request(), message_id=None, correlation_id=None)
        receipt = stage.client_of_shep(make).push(request)
        assert receipt.message_id and receipt.correlation_id, receipt
        stage.assert_answered(receipt.correlation_id, before)


def service_killed(stage: Stage, checks: Checks) -> None:
    for name, make in CLIENTS.items():
        with checks.case(f"kill -9 of the service between what {name} pushed and its answer: one RESPONSE, asked once"):
            pair, client = stage.pair, stage.client(make)
            before, request = stage.texts(), stage.request()
            pair.faults({"replies": {"lost_request": {}}})
            assert_receipt(client.push(request), request)
            # One dies with the question on the phone, the other with the receipt hardly sent.
            if make is Zeep:
                stage.wait_for_question(before)
            pair.stop_service(signal.SIGKILL)
            pair.faults({})
            pair.start_service()
            stage.assert_answered(request.correlation_id or "", before)


def stand_killed(stage: Stage, checks: Checks) -> None:
    for name, make in CLIENTS.items():
        with checks.case(f"kill -9 of the stand between what {name} pushed and its answer: one RESPONSE, asked once"):
            pair, client = stage.pair, stage.client(make)
            before, request = stage.texts(), stage.request()
            pair.faults({"replies": {"lost_request": {}}})
            assert_receipt(client.push(request), request)
            stage.wait_for_question(before)
            pair.restart_sandbox()
            stage.assert_answered(request.correlation_id or "", before)
