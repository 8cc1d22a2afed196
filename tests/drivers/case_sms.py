"""Method 1: the subject is asked by SMS and answers yes or no (rules.md F-6; wire.md 2.5 and 5)."""

from __future__ import annotations

import re
import uuid

from check import Checks
from kdp_client import Caller, World, assert_reply
from reply import Reply
from sandbox import Subject

# The basic table and, at two places each, the extension table of GSM 03.38.
GSM_BASIC = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_EXTENSION = set("^{}\\[~]|€")
THREE_PARTS = 3 * 153
YES = ("1", "ИӘ", "ИЯ", "IA", "ДА", "DA", "YES", "Y", "да", "yes", " Да ")
NO = ("0", "2", "ЖОҚ", "ЖОК", "JOQ", "НЕТ", "NET", "NO", "нет")
FRAUD = ("АЛДАУ", "МОШЕННИК", "FRAUD", "STOP", "fraud")


def run(world: World, checks: Checks) -> None:
    for label, caller in (("through shep", world.through_shep), ("direct", world.direct)):
        checks.topic(f"method 1 {label}")
        answers(world, caller, checks)
        silence(world, caller, checks)
        parties_down(world, caller, checks)
        live_request(world, caller, checks)
        repeats(world, caller, checks)
        shared_phone(world, caller, checks)
    checks.topic("method 1 replies")
    reply_words(world, world.through_shep, checks)


def begin(world: World, caller: Caller, subject: Subject, services: list[str] | None = None, **values: str) -> Reply:
    """A new ask after all earlier ones are over, collected or not: a yes waits 24 hours."""
    world.sandbox.advance("PT25H")
    reply = caller.ask(subject.iin, services or world.services, omit_sms="false", **values)
    return assert_reply(reply, "PENDING", None)


def messages(world: World, subject: Subject) -> list[str]:
    assert subject.msisdn, f"subject {subject.behaviour} has no number"
    return world.sandbox.inbox(subject.msisdn)


def assert_sms(text: str) -> None:
    strange = set(text) - GSM_BASIC - GSM_EXTENSION
    assert not strange, f"not GSM-7: {strange}"
    septets = len(text) + sum(each in GSM_EXTENSION for each in text)
    assert septets <= THREE_PARTS, f"{septets} septets"
    assert "/" in text, "not Kazakh / Russian"
    assert "Address" in text, "the SMS does not name the data"
    assert references(text), "no 4-digit reference"


def references(text: str) -> set[str]:
    return set(re.findall(r"(?<!\d)\d{4}(?!\d)", text))


def answers(world: World, caller: Caller, checks: Checks) -> None:
    for behaviour, status, reason, sent in (
        ("yes", "VALID", "granted", 1),
        ("no", "INVALID", "subject-refused", 1),
        ("fraud", "INVALID", "subject-reported-fraud", 1),
        ("twice", "VALID", "granted", 1),
        ("garbage-then-yes", "VALID", "granted", 2),
    ):
        with checks.case(f"subject {behaviour} → {status} {reason}, and it stays so"):
            subject = world.sandbox.subject(behaviour)
            world.sandbox.advance("PT1S")  # an SMS of the case before may still be on its way
            before = len(messages(world, subject))
            asked = begin(world, caller, subject)
            assert asked.reason == "waiting", f"reason {asked.reason}"
            assert int(asked.data["poll_after"]) > 0, "no poll_after"
            world.sandbox.advance("PT1M")
            received = messages(world, subject)[before:]
            assert len(received) == sent, f"{len(received)} SMS, expected {sent}"
            assert_sms(received[0])
            first = caller.repeat(subject.iin, world.services, asked.request_id)
            assert_reply(first, status, reason)
            assert first.request_id == asked.request_id, "another request_id"
            if status == "VALID":
                caller.check_token(first, subject.iin, world.services, 1, data="Address")
            world.sandbox.advance("PT20M")
            again = assert_reply(caller.repeat(subject.iin, world.services, asked.request_id), status, reason)
            assert again.data.get("code") == first.data.get("code"), "the token changed"
            renewed = caller.ask(subject.iin, world.services, omit_sms="false")
            assert_reply(renewed, "PENDING", "waiting")
            assert renewed.request_id != asked.request_id, "a new ask after the end is the old request"
    with checks.case("subject no-phone → NOT_FOUND no-phone"):
        subject = world.sandbox.subject("no-phone")
        reply = caller.ask(subject.iin, world.services, omit_sms="false")
        assert_reply(reply, "NOT_FOUND", "no-phone")
        assert reply.data.get("reason_text"), "no advice to register a number"
    with checks.case("the token of a yes lives from its collection, and ends as token-expired"):
        subject = world.sandbox.subject("yes")
        asked = begin(world, caller, subject, expiresIn="600000")
        world.sandbox.advance("PT3H")
        first = assert_reply(caller.repeat(subject.iin, world.services, asked.request_id), "VALID", "granted")
        caller.check_token(first, subject.iin, world.services, 1, life_seconds=600)
        world.sandbox.advance("PT11M")
        last = caller.repeat(subject.iin, world.services, asked.request_id)
        assert_reply(last, "INVALID", "token-expired")
    with checks.case("a yes that was not collected answers a new ask within 24 hours"):
        subject = world.sandbox.subject("yes")
        asked = begin(world, caller, subject)
        world.sandbox.advance("PT23H")
        reply = assert_reply(caller.ask(subject.iin, world.services, omit_sms="false"), "VALID", "granted")
        assert reply.request_id == asked.request_id, "another request_id"


def silence(world: World, caller: Caller, checks: Checks) -> None:
    with checks.case("silence: PENDING for 14 minutes, TIMEOUT no-answer after 16"):
        subject = world.sandbox.subject("silent")
        asked = begin(world, caller, subject)
        world.sandbox.advance("PT14M")
        assert_reply(caller.repeat(subject.iin, world.services, asked.request_id), "PENDING", "waiting")
        world.sandbox.advance("PT2M")
        assert_reply(caller.repeat(subject.iin, world.services, asked.request_id), "TIMEOUT", "no-answer")
    with checks.case("an answer that comes late changes nothing"):
        subject = world.sandbox.subject("late")
        asked = begin(world, caller, subject)
        for period in ("PT16M", "PT12H"):
            world.sandbox.advance(period)
            assert_reply(caller.repeat(subject.iin, world.services, asked.request_id), "TIMEOUT", "no-answer")
    with checks.case("a yes written by hand after the timeout changes nothing"):
        subject = world.sandbox.subject("manual")
        asked = begin(world, caller, subject)
        world.sandbox.advance("PT16M")
        world.sandbox.answer(subject.msisdn or "", "ДА")
        assert_reply(caller.repeat(subject.iin, world.services, asked.request_id), "TIMEOUT", "no-answer")


def parties_down(world: World, caller: Caller, checks: Checks) -> None:
    for behaviour, reason in (("bmg-down", "bmg-unavailable"), ("sms-down", "sms-not-sent")):
        with checks.case(f"subject {behaviour} → PENDING, then TIMEOUT {reason}"):
            subject = world.sandbox.subject(behaviour)
            asked = begin(world, caller, subject)
            again = assert_reply(caller.ask(subject.iin, world.services, omit_sms="false"), "PENDING", None)
            assert again.request_id == asked.request_id, "the same ask made a second request"
            world.sandbox.advance("PT16M")
            assert_reply(caller.repeat(subject.iin, world.services, asked.request_id), "TIMEOUT", reason)
            if subject.msisdn:
                assert not messages(world, subject), "an SMS came through a gateway that is down"


def live_request(world: World, caller: Caller, checks: Checks) -> None:
    with checks.case("the same ask, in any order and by method 5 too, is one request with one SMS"):
        subject = world.sandbox.subject("silent")
        world.sandbox.advance("PT1S")  # an SMS of the case before may still be on its way
        before = len(messages(world, subject))
        asked = begin(world, caller, subject)
        blanks = caller.fields(subject.iin, world.services, omit_sms="false")
        blanks["access_name"] = " ; ".join(world.services[::-1]) + " "
        for reply in (
            caller.ask(subject.iin, world.services, omit_sms="false"),
            caller.send(blanks),
            caller.ask(subject.iin, world.services, omit_sms="false", method="5"),
            world.through_shep.ask(subject.iin, world.services, omit_sms="false"),
            world.direct.ask(subject.iin, world.services, omit_sms="false"),
        ):
            assert_reply(reply, "PENDING", "waiting")
            assert reply.request_id == asked.request_id, "the same ask made a second request"
        world.sandbox.advance("PT1M")
        assert len(messages(world, subject)) == before + 1, "more than one SMS for one request"
    with checks.case("after the end the same ask is a new request"):
        subject = world.sandbox.subject("silent")
        asked = begin(world, caller, subject)
        world.sandbox.advance("PT16M")
        again = assert_reply(caller.ask(subject.iin, world.services, omit_sms="false"), "PENDING", "waiting")
        assert again.request_id != asked.request_id, "the old request_id"
    with checks.case("another set of services is another request with its own SMS"):
        assert len(world.services) > 1, "bank has one service only"
        subject = world.sandbox.subject("silent")
        world.sandbox.advance("PT1S")  # an SMS of the case before may still be on its way
        before = len(messages(world, subject))
        asked = begin(world, caller, subject)
        other = caller.ask(subject.iin, world.services[:1], omit_sms="false")
        assert assert_reply(other, "PENDING", "waiting").request_id != asked.request_id
        world.sandbox.advance("PT1M")
        assert len(messages(world, subject)) == before + 2, "not two SMS for two requests"


def repeats(world: World, caller: Caller, checks: Checks) -> None:
    with checks.case("a request_id of another initiator, of another subject or of nobody is request-unknown"):
        subject = world.sandbox.subject("silent")
        asked = begin(world, caller, subject)
        services = world.akimat.initiator.services or world.services
        assert_reply(world.akimat.repeat(subject.iin, services, asked.request_id), "INVALID", "request-unknown")
        stranger = world.sandbox.subject("yes").iin
        assert_reply(caller.repeat(stranger, world.services, asked.request_id), "INVALID", "request-unknown")
        for unknown in (str(uuid.uuid4()), "x" * 300, "%00'--"):
            reply = caller.repeat(subject.iin, world.services, unknown)
            # An id of a shape that the service never gives may also be an error in the data.
            if reply.info_code != "SCSE002":
                assert_reply(reply, "INVALID", "request-unknown")
        assert_reply(caller.repeat(subject.iin, world.services, asked.request_id), "PENDING", "waiting")
    with checks.case("akimat cannot cancel bank's request"):
        subject = world.sandbox.subject("silent")
        asked = begin(world, caller, subject)
        services = world.akimat.initiator.services or world.services
        reply = world.akimat.repeat(subject.iin, services, asked.request_id, cancel="true")
        assert_reply(reply, "INVALID", "request-unknown")
        assert_reply(caller.repeat(subject.iin, world.services, asked.request_id), "PENDING", "waiting")
    with checks.case("cancel ends the waiting, a yes after it changes nothing, and a new ask is a new request"):
        subject = world.sandbox.subject("manual")
        asked = begin(world, caller, subject)
        world.sandbox.advance("PT5S")
        reply = caller.repeat(subject.iin, world.services, asked.request_id, cancel="true")
        assert_reply(reply, "INVALID", "cancelled")
        world.sandbox.answer(subject.msisdn or "", "ДА")
        assert_reply(caller.repeat(subject.iin, world.services, asked.request_id), "INVALID", "cancelled")
        again = assert_reply(caller.ask(subject.iin, world.services, omit_sms="false"), "PENDING", "waiting")
        assert again.request_id != asked.request_id, "the cancelled request lives"


def shared_phone(world: World, caller: Caller, checks: Checks) -> None:
    with checks.case("on a shared number a bare yes counts only when one request waits; else the reference decides"):
        first = world.sandbox.subject("shared-phone")
        others = [each for each in world.sandbox.subjects if each.msisdn == first.msisdn and each.iin != first.iin]
        assert others, "nobody shares the number of shared-phone"
        second, number = others[0], first.msisdn or ""
        before = len(messages(world, first))
        one = begin(world, caller, first)
        two = assert_reply(caller.ask(second.iin, world.services, omit_sms="false"), "PENDING", "waiting")
        world.sandbox.advance("PT10S")
        asks = messages(world, first)[before : before + 2]
        assert len(asks) == 2, f"{len(asks)} SMS for two requests"
        for _ in range(2):
            world.sandbox.answer(number, "ДА")
            for subject, asked in ((first, one), (second, two)):
                assert_reply(caller.repeat(subject.iin, world.services, asked.request_id), "PENDING", "waiting")
        advice = len(messages(world, first)) - before - 2
        assert advice == 1, f"asked for the reference {advice} times"
        only_first = references(asks[0]) - references(asks[1])
        assert len(only_first) == 1, f"references of the two SMS: {len(only_first)} differ"
        world.sandbox.answer(number, f"да {only_first.pop()}")
        replies = [
            caller.repeat(subject.iin, world.services, asked.request_id)
            for subject, asked in ((first, one), (second, two))
        ]
        assert sorted(each.status for each in replies) == ["PENDING", "VALID"], [each.brief() for each in replies]
        world.sandbox.answer(number, "1")
        for subject, asked in ((first, one), (second, two)):
            assert_reply(caller.repeat(subject.iin, world.services, asked.request_id), "VALID", "granted")
    with checks.case("an answer from another number changes nothing"):
        subject = world.sandbox.subject("manual")
        asked = begin(world, caller, subject)
        world.sandbox.advance("PT5S")
        world.sandbox.answer(world.sandbox.subject("silent").msisdn or "", "ДА")
        assert_reply(caller.repeat(subject.iin, world.services, asked.request_id), "PENDING", "waiting")


def reply_words(world: World, caller: Caller, checks: Checks) -> None:
    subject = world.sandbox.subject("manual")
    number = subject.msisdn or ""
    for words, status, reason in (
        (YES, "VALID", "granted"),
        (NO, "INVALID", "subject-refused"),
        (FRAUD, "INVALID", "subject-reported-fraud"),
    ):
        for word in words:
            with checks.case(f"«{word}» → {status} {reason}"):
                asked = begin(world, caller, subject)
                world.sandbox.advance("PT5S")
                world.sandbox.answer(number, word)
                assert_reply(caller.repeat(subject.iin, world.services, asked.request_id), status, reason)
    with checks.case("what is not understood gets one help message for a request, and the yes after it counts"):
        world.sandbox.advance("PT1S")  # an SMS of the case before may still be on its way
        before = len(messages(world, subject))
        asked = begin(world, caller, subject)
        world.sandbox.advance("PT5S")
        for text in ("кто это?", "", "12345", "да нет"):
            world.sandbox.answer(number, text)
            assert_reply(caller.repeat(subject.iin, world.services, asked.request_id), "PENDING", "waiting")
        assert len(messages(world, subject)) == before + 2, "not one SMS and one help message"
        world.sandbox.answer(number, "yes")
        assert_reply(caller.repeat(subject.iin, world.services, asked.request_id), "VALID", "granted")
