"""`dry_run`: which checks would pass, the same whatever anybody did about the subject (wire.md 2.1)."""

from __future__ import annotations

from check import Checks
from kdp_client import Caller, World, assert_reply
from reply import DryRun, Reply

EVERY = {"sender-known", "iin-well-formed", "method-allowed", "services-allowed", "term-within-agreement"}


def run(world: World, checks: Checks) -> None:
    for label, caller in (("through shep", world.through_shep), ("direct", world.direct)):
        checks.topic(f"dry run {label}")
        each_method(world, caller, checks)
        state(world, caller, checks)
        refused(world, caller, checks)


def dry(world: World, caller: Caller, uin: str, method: str, **values: str | None) -> Reply:
    token = caller.ovt() if method == "2" else None
    return caller.ask(uin, world.services, method=method, ovt=token, **{"dry_run": "true"} | values)


def passed(reply: Reply) -> DryRun:
    assert_reply(reply, "INVALID", "dry-run")
    assert "request_id" not in reply.data and "poll_after" not in reply.data, f"{sorted(reply.data)}"
    assert reply.dry_run is not None and all(reply.dry_run.checks.values()), f"{reply.dry_run}"
    return reply.dry_run


def each_method(world: World, caller: Caller, checks: Checks) -> None:
    uin = world.sandbox.subject("yes").iin
    for method, following, more in (
        ("1", "ask-by-sms", set()),
        ("2", "issue-token", {"ovt-present", "ovt-signature", "ovt-bin", "ovt-method", "ovt-date", "ovt-subject"}),
        ("5", "send-code", set()),
    ):
        with checks.case(f"method {method}: the checks, and {following} would come next"):
            told = passed(dry(world, caller, uin, method))
            assert told.next == following, told.next
            assert set(told.checks) >= EVERY | more, f"{sorted(told.checks)}"
            assert not set(told.checks) & set(told.not_judged), f"{told.not_judged}"


def state(world: World, caller: Caller, checks: Checks) -> None:
    subject = world.sandbox.subject("silent")
    assert subject.msisdn, "the silent subject has a number"
    with checks.case("a subject who is asked gets no second answer, and who has no number is not told of"):
        world.sandbox.advance("PT25H")
        before = passed(dry(world, caller, subject.iin, "1"))
        received = len(world.sandbox.inbox(subject.msisdn))
        assert_reply(caller.ask(subject.iin, world.services, omit_sms="false"), "PENDING", "waiting")
        world.sandbox.advance("PT1M")
        assert len(world.sandbox.inbox(subject.msisdn)) == received + 1, "the real ask, and it alone, sends an SMS"
        assert passed(dry(world, caller, subject.iin, "1")) == before, "a request in progress shows"
        assert passed(dry(world, caller, world.sandbox.subject("no-phone").iin, "1")) == before, "БМГ was asked"
        assert len(world.sandbox.inbox(subject.msisdn)) == received + 1, "a dry run sent an SMS"
    with checks.case("an ovt that was tried serves, and one that served can be tried"):
        token, uin = caller.ovt(), world.sandbox.subject("yes").iin
        for _ in range(2):
            passed(caller.ask_own(uin, world.services, token, dry_run="true"))
            assert_reply(caller.ask_own(uin, world.services, token), "VALID", "granted")


def refused(world: World, caller: Caller, checks: Checks) -> None:
    uin = world.sandbox.subject("yes").iin
    with checks.case("the check that fails is the last, with the reason of a real request"):
        reply = caller.ask(uin, ["NOBODY_token"], omit_sms="false", dry_run="true")
        assert_reply(reply, "INVALID", "service-not-allowed")
        assert reply.dry_run is not None and reply.dry_run.next == "refuse", f"{reply.dry_run}"
        assert [name for name, passes in reply.dry_run.checks.items() if not passes] == ["services-allowed"]
    for name, value in (("request_id", "1"), ("code", "123456"), ("cancel", "true")):
        with checks.case(f"with {name} it is refused by both names"):
            reply = dry(world, caller, uin, "1", **{name: value})
            assert (reply.info_code, reply.status) == ("SCSE002", "ERROR"), reply.brief()
            assert "dry_run" in reply.message and name in reply.message, reply.message
