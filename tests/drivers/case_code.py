"""Method 5: a one-time code by SMS, brought back by the initiator (rules.md F-4, F-6)."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

from check import Checks
from kdp_client import Caller, Line, World, assert_reply
from reply import Reply
from sandbox import Subject


def run(world: World, checks: Checks) -> None:
    for label, caller in (("through shep", world.through_shep), ("direct", world.direct)):
        checks.topic(f"method 5 {label}")
        typed(world, caller, checks)
        too_late(world, caller, checks)
        by_sms(world, caller, checks)
    checks.topic("method 5")
    parallel(world, checks)


def begin(world: World, caller: Caller, **values: str | None) -> tuple[Subject, str, str]:
    """A new ask: the subject, the request id and the code in the SMS."""
    subject = world.sandbox.subject("reads-code")
    number = subject.msisdn or ""
    world.sandbox.advance("PT25H")
    before = len(world.sandbox.inbox(number))
    asked = caller.ask(subject.iin, world.services, method="5", **values)
    assert_reply(asked, "PENDING", "waiting")
    world.sandbox.advance("PT2S")
    received = world.sandbox.inbox(number)[before:]
    assert len(received) == 1, f"{len(received)} SMS"
    codes = re.findall(r"\bKOD (\d{6})\b", received[0])
    assert codes and len(set(codes)) == 1, "no KOD dddddd in the SMS"
    return subject, asked.request_id, codes[0]


def other_than(code: str, step: int = 1) -> str:
    return f"{(int(code) + step) % 1_000_000:06}"


def bring(world: World, caller: Caller, subject: Subject, request_id: str, code: str | None) -> Reply:
    return caller.ask(subject.iin, world.services, method="5", request_id=request_id, code=code)


def typed(world: World, caller: Caller, checks: Checks) -> None:
    with checks.case("wrong code → PENDING code-wrong, right code → VALID, then the same token"):
        subject, asked, code = begin(world, caller)
        assert_reply(bring(world, caller, subject, asked, None), "PENDING", "waiting")
        assert_reply(bring(world, caller, subject, asked, other_than(code)), "PENDING", "code-wrong")
        first = assert_reply(bring(world, caller, subject, asked, code), "VALID", "granted")
        caller.check_token(first, subject.iin, world.services, 5, data="Address")
        again = assert_reply(bring(world, caller, subject, asked, None), "VALID", "granted")
        assert again.token == first.token, "the token changed"
    with checks.case("omit-sms false beside method 5, and a repeat that names neither"):
        subject, asked, code = begin(world, caller, omit_sms="false")
        values = caller.fields(subject.iin, world.services, request_id=asked, code=code)
        assert_reply(caller.send(values), "VALID", "granted")
    with checks.case("three wrong codes → INVALID code-attempts, also for the right code after them"):
        subject, asked, code = begin(world, caller)
        for wrong in (other_than(code), "12345"):
            assert_reply(bring(world, caller, subject, asked, wrong), "PENDING", "code-wrong")
        assert_reply(bring(world, caller, subject, asked, "ABCDEF"), "INVALID", "code-attempts")
        for late in (code, None):
            assert_reply(bring(world, caller, subject, asked, late), "INVALID", "code-attempts")
    with checks.case("a code of another request is wrong, and counts as an attempt of this one only"):
        assert len(world.services) > 1, "bank has one service only"
        subject, asked, code = begin(world, caller)
        number = subject.msisdn or ""
        other = caller.ask(subject.iin, world.services[:1], method="5")
        assert_reply(other, "PENDING", "waiting")
        world.sandbox.advance("PT2S")
        second = re.findall(r"\bKOD (\d{6})\b", world.sandbox.inbox(number)[-1])[0]
        assert second != code, "two requests have one code"
        assert_reply(bring(world, caller, subject, asked, second), "PENDING", "code-wrong")
        assert_reply(bring(world, caller, subject, asked, code), "VALID", "granted")
        reply = caller.ask(subject.iin, world.services[:1], method="5", request_id=other.request_id, code=second)
        assert_reply(reply, "VALID", "granted")


def too_late(world: World, caller: Caller, checks: Checks) -> None:
    with checks.case("after six minutes the right code → INVALID code-expired"):
        subject, asked, code = begin(world, caller)
        world.sandbox.advance("PT6M")
        assert_reply(bring(world, caller, subject, asked, code), "INVALID", "code-expired")
    with checks.case("after six minutes without a code → TIMEOUT"):
        subject, asked, _ = begin(world, caller)
        world.sandbox.advance("PT6M")
        assert_reply(bring(world, caller, subject, asked, None), "TIMEOUT", ("no-answer", "code-expired"))
    with checks.case("after four minutes the code still counts"):
        subject, asked, code = begin(world, caller)
        world.sandbox.advance("PT4M")
        assert_reply(bring(world, caller, subject, asked, code), "VALID", "granted")


def by_sms(world: World, caller: Caller, checks: Checks) -> None:
    for word, reason in (("НЕТ", "subject-refused"), ("АЛДАУ", "subject-reported-fraud")):
        with checks.case(f"the subject answers «{word}» → INVALID {reason}, whatever code comes"):
            subject, asked, code = begin(world, caller)
            world.sandbox.answer(subject.msisdn or "", word)
            assert_reply(bring(world, caller, subject, asked, code), "INVALID", reason)
    with checks.case("the code sent by the subject is a yes, and the token still needs the repeat with the code"):
        subject, asked, code = begin(world, caller)
        world.sandbox.answer(subject.msisdn or "", code)
        assert_reply(bring(world, caller, subject, asked, None), "PENDING", None)
        assert_reply(bring(world, caller, subject, asked, code), "VALID", "granted")


def parallel(world: World, checks: Checks) -> None:
    with checks.case("eight wrong codes at once are three attempts, not more"):
        subject, asked, code = begin(world, world.through_shep)

        def guess(step: int) -> Reply:
            line = Line(world.sandbox.port)
            try:
                caller = world.caller("bank", "shep", line)
                return bring(world, caller, subject, asked, other_than(code, step))
            finally:
                line.close()

        with ThreadPoolExecutor(8) as pool:
            replies = list(pool.map(guess, range(1, 9)))
        verdicts = sorted(f"{each.status} {each.reason}" for each in replies)
        assert verdicts == ["INVALID code-attempts"] * 6 + ["PENDING code-wrong"] * 2, verdicts
        last = bring(world, world.through_shep, subject, asked, code)
        assert_reply(last, "INVALID", "code-attempts")
