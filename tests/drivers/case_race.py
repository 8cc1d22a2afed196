"""Many at once: one application is decided once, and no token is granted past its revocation (F-16 … F-21)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

from case_ground import ask_logging, ask_proactive
from case_revocation import fresh, status
from check import Checks
from kdp_client import Caller, Line, World
from reply import Reply
from service_client import (
    Answered,
    Parties,
    Party,
    Tree,
    approve,
    check_by_code,
    decide,
    jti_of,
    refuse,
    revocation_state,
    revoke,
)

AT_ONCE = 16
ROUNDS = 12
# More than an exchange takes, on a busy machine too.
EXCHANGE = timedelta(seconds=2)
Result = TypeVar("Result")


def run(world: World, checks: Checks) -> None:
    parties = Parties(world)
    checks.topic("at once")
    one_decides(world, parties, checks)
    one_application(world, parties, checks)
    grant_and_approve(world, parties, checks)
    repeat_and_approve(world, parties, checks)
    checks_and_approve(world, parties, checks)
    same_ask(world, checks)


def together(jobs: list[Callable[[Line], Result]], world: World) -> list[Result]:
    """Each job on a connection of its own, begun at one moment; a job's failure is the case's."""
    gate = threading.Barrier(len(jobs))
    results: dict[int, Result] = {}
    failures: list[BaseException] = []

    def work(at: int, job: Callable[[Line], Result]) -> None:
        line = Line(world.sandbox.port)
        # Connected before the gate, so that the first byte of the request is what is raced.
        line.send("GET", "/health/live")
        try:
            gate.wait(timeout=30)
            results[at] = job(line)
        except BaseException as error:
            failures.append(error)
        finally:
            line.close()

    threads = [threading.Thread(target=work, args=each) for each in enumerate(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return [results[at] for at in range(len(jobs))]


def deciding(party: Callable[[Line], Party], payload: Tree) -> Callable[[Line], Answered]:
    return lambda line: decide(party(line), payload)


def one_decides(world: World, parties: Parties, checks: Checks) -> None:
    def bank(line: Line) -> Party:
        return parties.party("bank", "shep", line)

    with checks.case(f"{AT_ONCE} decisions at once, {ROUNDS} times: exactly one decides, and everybody sees that one"):
        uin = world.sandbox.subject("yes").iin
        outcomes = set()
        for at in range(ROUNDS):
            reply = fresh(world, uin)
            application = revoke(parties.egov, uin, jti_of(reply.token)).must("application_id")
            # Each refusal has a text of its own, so that it is seen whose it was.
            payloads: list[Tree] = [
                approve(application)
                if each % 2 and at % 3
                else refuse(application, [("reason", f"Причина {each}"), ("obligation", f"Долг {each}")])
                for each in range(AT_ONCE)
            ]
            answers = together([deciding(bank, payload) for payload in payloads], world)
            won = [each for each, answer in enumerate(answers) if answer.code == "SCSS001"]
            assert len(won) == 1, f"{len(won)} decided"
            others = {(answer.code, answer.text("reason")) for answer in answers if answer.code != "SCSS001"}
            assert others == {("SCSE001", "already-decided")}, f"{others}"
            kept = revocation_state(parties.egov, application)
            assert kept.must("state") == answers[won[0]].must("state"), "another state is kept"
            outcomes.add(kept.must("state"))
            if kept.must("state") == "refused":
                assert kept.must("obligation") == f"Долг {won[0]}", "another's ground is kept"
            due_status = "active" if kept.must("state") == "refused" else "not-active"
            assert status(world, parties, reply) == due_status, status(world, parties, reply)
        assert "refused" in outcomes, f"{outcomes}"


def one_application(world: World, parties: Parties, checks: Checks) -> None:
    with checks.case(f"{AT_ONCE} applications for one token at once are one"):
        uin = world.sandbox.subject("yes").iin
        for _ in range(ROUNDS):
            reply = fresh(world, uin)

            def job(line: Line, jti: str = jti_of(reply.token)) -> str:
                return revoke(parties.party("egov", None, line), uin, jti).must("application_id")

            assert len(set(together([job] * AT_ONCE, world))) == 1, "several applications"


def asking(world: World, uin: str, token: str) -> Callable[[Line], Reply]:
    def job(line: Line) -> Reply:
        caller: Caller = world.caller("bank", "shep", line)
        return caller.ask_own(uin, world.services, token)

    return job


def grant_and_approve(world: World, parties: Parties, checks: Checks) -> None:
    with checks.case(f"new asks with an ovt of before, beside an approval, {ROUNDS} times: none is granted after it"):
        uin = world.sandbox.subject("late").iin
        caller, granted, refused = world.through_shep, 0, 0
        for at in range(ROUNDS):
            reply = fresh(world, uin)
            world.sandbox.advance("PT5S")
            application = revoke(parties.egov, uin, jti_of(reply.token)).must("application_id")
            ovts = [[caller.ovt(jti=f"race-{at}-{each}-{turn}", uin=uin) for turn in range(5)] for each in range(8)]
            answered: list[float] = []

            def approving(line: Line, application: str = application, answered: list[float] = answered) -> None:
                assert decide(parties.party("bank", "shep", line), approve(application)).must("state") == "approved"
                answered.append(time.monotonic())

            jobs: list[Callable[[Line], object]] = [approving, *(asking_in_turn(world, uin, each) for each in ovts)]
            seen = [each for one in together(jobs, world)[1:] for each in as_list(one)]
            for began, each in seen:
                assert each.reason in {"granted", "revoked"}, each.brief()
                late = each.status == "VALID" and began > answered[0]
                assert not late, (
                    f"granted to an ask that began {(began - answered[0]) * 1000:.1f} ms after the approval"
                )
                if each.status == "VALID":
                    beside(world, parties, reply, each)
            granted += sum(each.status == "VALID" for _, each in seen)
            refused += sum(each.status != "VALID" for _, each in seen)
            # What was granted beside it stands, but its ovt gives nothing any more.
            again = [caller.ask_own(uin, world.services, token) for turns in ovts for token in turns]
            assert {each.reason for each in again} == {"revoked"}, f"{ {each.reason for each in again} }"
        assert granted and refused, f"{granted} granted, {refused} refused: there was no race"


def asking_in_turn(world: World, uin: str, ovts: list[str]) -> Callable[[Line], list[tuple[float, Reply]]]:
    return lambda line: [(time.monotonic(), asking(world, uin, token)(line)) for token in ovts]


def as_list(value: object) -> list[tuple[float, Reply]]:
    assert isinstance(value, list)
    return value


def beside(world: World, parties: Parties, revoked: Reply, new: Reply) -> None:
    """When `new` was issued the consent that was revoked still stood, within the time that an exchange takes.

    Each exchange reads the clock once, when its message comes; one that came later may be decided earlier.
    """
    told = check_by_code(parties.owner, new.token, world.services[0])
    issued = datetime.fromisoformat(told.must("token/issued_at")) - EXCHANGE
    assert status(world, parties, revoked, issued).startswith("active"), "granted long after the approval"


def repeat_and_approve(world: World, parties: Parties, checks: Checks) -> None:
    with checks.case("repeats beside an approval: the old token or revoked, and afterwards only revoked"):
        uin = world.sandbox.subject("twice").iin
        for _ in range(ROUNDS):
            world.sandbox.advance("PT1S")
            token = world.through_shep.ovt()
            reply = asking(world, uin, token)(world.line)
            application = revoke(parties.egov, uin, jti_of(reply.token)).must("application_id")

            def approving(line: Line, application: str = application) -> Reply | None:
                assert decide(parties.party("bank", "shep", line), approve(application)).must("state") == "approved"
                return None

            def repeating(line: Line, request_id: str = reply.request_id) -> Reply:
                return world.caller("bank", "shep", line).repeat(uin, world.services, request_id)

            asks = [asking(world, uin, token), repeating] * (AT_ONCE // 2)
            *replies, _none = together([*asks, approving], world)
            for each in replies:
                assert each is not None
                assert each.reason in {"granted", "revoked", "ovt-used"}, each.brief()
                assert each.status != "VALID" or each.token == reply.token, "another token"
            after = world.through_shep.repeat(uin, world.services, reply.request_id)
            assert after.reason == "revoked", after.brief()


def checks_and_approve(world: World, parties: Parties, checks: Checks) -> None:
    with checks.case("checks beside an approval: once it was answered, no later check says active"):
        uin = world.sandbox.subject("yes").iin
        for _ in range(ROUNDS):
            reply = fresh(world, uin)
            application = revoke(parties.egov, uin, jti_of(reply.token)).must("application_id")
            answered: list[float] = []

            def approving(line: Line, application: str = application, answered: list[float] = answered) -> bool:
                decide(parties.party("bank", "shep", line), approve(application))
                answered.append(time.monotonic())
                return True

            def checking(line: Line, code: str = reply.token) -> list[tuple[float, str]]:
                owner = parties.party("owner", "shep", line)
                seen = []
                for _ in range(6):
                    began = time.monotonic()
                    seen.append((began, check_by_code(owner, code, world.services[0]).must("status")))
                return seen

            jobs: list[Callable[[Line], object]] = [*[checking] * 6, approving]
            for seen in together(jobs, world)[:-1]:
                assert isinstance(seen, list)
                texts = [text for _, text in seen]
                assert texts == sorted(texts), f"active again: {texts}"
                late = [text for began, text in seen if began > answered[0] and text == "active"]
                assert not late, f"{len(late)} checks say active after the approval was answered"


def same_ask(world: World, checks: Checks) -> None:
    with checks.case(f"the same ask {AT_ONCE} times at once: one token; methods 3 and 4 too"):
        uin = world.sandbox.subject("no").iin
        token = world.through_shep.ovt()
        world.sandbox.advance("PT1S")
        assert len({each.token for each in together([asking(world, uin, token)] * AT_ONCE, world)}) == 1
        for name, ask, mcheck in (("akimat", ask_proactive, "BIO"), ("stat", ask_logging, "NONE")):
            ovt = world.caller(name, "shep").ovt(mcheck=mcheck)

            def job(line: Line, name: str = name, ask: Callable[..., Reply] = ask, ovt: str = ovt) -> str:
                caller = world.caller(name, "shep", line)
                return ask(world, caller, uin, caller.initiator.services, ovt=ovt).token

            assert len(set(together([job] * AT_ONCE, world))) == 1, f"{name}: several tokens"
