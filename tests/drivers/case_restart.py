"""kill -9 during revocations, and terms that end while the service is stopped (F-21)."""

from __future__ import annotations

import http.client
import itertools
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

from case_revocation import status
from case_status_list import INVALID, UNDER_REVIEW, entry, opened
from check import Checks
from kdp_client import Line, World
from reply import Reply
from sandbox import Sandbox
from service_client import (
    Parties,
    all_accesses,
    approve,
    check_by_code,
    decide,
    granted,
    jti_of,
    open_applications,
    refuse,
    revocation_state,
    revoke,
)
from workdays import end_of

ROUNDS = 8
WORKERS = 4
SAMPLE = 40
CUT_OFF = (OSError, http.client.HTTPException)


def run_alone(binary: Path, folder: Path, checks: Checks) -> None:
    checks.topic("restart, kill -9")
    kills(binary, folder, checks)
    checks.topic("restart, a term that ended meanwhile")
    for title, end in (("kill -9", Sandbox.kill), ("SIGTERM", Sandbox.stop)):
        place = folder / title.replace(" ", "")
        place.mkdir()
        stopped_over_the_end(binary, place, checks, title, end)


@dataclass
class Ledger:
    """What was answered: the last state of each application, and each check's time by its token."""

    states: dict[str, str] = field(default_factory=dict)
    tokens: dict[str, Reply] = field(default_factory=dict)
    checked: dict[str, set[str]] = field(default_factory=dict)
    # An application whose decision was sent, and not answered: either is right.
    unsure: set[str] = field(default_factory=set)
    cut_off: int = 0
    wrong: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


def kills(binary: Path, folder: Path, checks: Checks) -> None:
    data, log, ledger = folder / "data", folder / "log", Ledger()
    sandbox = Sandbox(binary, data, log)
    try:
        for number in range(1, ROUNDS + 1):
            world, known = World(sandbox, data), set(ledger.states)
            seconds = random.uniform(0.3, 1.2)
            load(world, ledger, seconds)
            world.line.close()
            sandbox = Sandbox(binary, data, log)
            with checks.case(f"kill {number} after {seconds:.2f} s: what was answered is there"):
                hold(World(sandbox, data), ledger, known)
        with checks.case("the load was a load, and no answer of it was wrong"):
            assert not ledger.wrong, ledger.wrong[0]
            assert len(ledger.states) > 10 * ROUNDS and ledger.cut_off, f"{len(ledger.states)} applications"
            assert len(set(ledger.states.values())) == 3, f"{set(ledger.states.values())}"
        with checks.case("after all of that the list of open applications is exactly those that are open"):
            world = World(sandbox, data)
            listed = {each["application_id"] for each in open_applications(Parties(world).bank)}
            known = {each for each, state in ledger.states.items() if each not in ledger.unsure and state == "open"}
            closed = {each for each, state in ledger.states.items() if each not in ledger.unsure and state != "open"}
            assert known <= listed and not closed & listed, (
                f"{len(known - listed)} missing, {len(closed & listed)} closed"
            )
        with checks.case("at the end of the term they all lapse, dated right, and the status list agrees"):
            lapse_all(World(sandbox, data), ledger)
    finally:
        sandbox.__exit__()


def load(world: World, ledger: Ledger, seconds: float) -> None:
    stopping, marks = threading.Event(), itertools.count()
    threads = [threading.Thread(target=work, args=(world, ledger, stopping, marks)) for _ in range(WORKERS)]
    for thread in threads:
        thread.start()
    time.sleep(seconds)
    world.sandbox.kill()
    stopping.set()
    for thread in threads:
        thread.join()


def work(world: World, ledger: Ledger, stopping: threading.Event, marks: itertools.count[int]) -> None:
    line = Line(world.sandbox.port)
    parties, caller = Parties(world, line), world.caller("bank", "shep", line)
    subjects = [world.sandbox.subject(each).iin for each in ("yes", "no", "twice", "late", "silent")]
    application = None
    try:
        while not stopping.is_set():
            application = None
            uin = random.choice(subjects)
            # Later than every revocation of the load, so that each ask is granted.
            token = caller.ovt(jti=f"{next(marks)}-{time.time_ns()}", iat=int(world.sandbox.now().timestamp()) + 60)
            reply = granted(caller, uin, world.services, ovt=token)
            checked = check_by_code(parties.owner, reply.token, world.services[0]).must("checked_at")
            with ledger.lock:
                ledger.checked.setdefault(reply.token, set()).add(checked)
            filed = revoke(parties.egov, uin, jti_of(reply.token)).must("application_id")
            with ledger.lock:
                ledger.states[filed], ledger.tokens[filed] = "open", reply
            payload = random.choice((approve, refuse, None))
            if payload is not None:
                application = filed
                state = decide(parties.bank, payload(filed)).must("state")
                with ledger.lock:
                    ledger.states[filed] = state
    except CUT_OFF:
        with ledger.lock:
            ledger.cut_off += 1
            if application is not None:
                ledger.unsure.add(application)
    except Exception as error:
        with ledger.lock:
            ledger.wrong.append(f"{type(error).__name__}: {error}")
    finally:
        line.close()


def hold(world: World, ledger: Ledger, earlier: set[str]) -> None:
    """Every application has the state that was answered, and its token follows it; of earlier rounds' a sample."""
    parties = Parties(world)
    passed_over = set(random.sample(sorted(earlier), max(0, len(earlier) - SAMPLE)))
    for application, state in ledger.states.items():
        if application in passed_over:
            continue
        came = revocation_state(parties.egov, application).must("state")
        if application in ledger.unsure:
            assert came in {"open", "approved", "refused"}, f"state {came}"
            ledger.states[application] = came
        assert came == ledger.states[application], f"{came}, but {state} was answered"
        due = {"open": "active+", "approved": "not-active", "refused": "active"}[came]
        reply = ledger.tokens[application]
        assert status(world, parties, reply) == due, f"{status(world, parties, reply)}, expected {due}"
    ledger.unsure.clear()
    now = world.sandbox.now()
    shown: dict[str, set[str]] = {}
    for subject in world.sandbox.subjects:
        for row in all_accesses(parties.egov, subject.iin, now - timedelta(days=1), now + timedelta(minutes=1)):
            if row["kind"] == "access":
                shown.setdefault(row["token_id"], set()).add(row["when"])
    lost = [token for token, times in ledger.checked.items() if not times <= shown.get(jti_of(token), set())]
    assert not lost, f"{len(lost)} answered checks are no access in the log"


def lapse_all(world: World, ledger: Ledger) -> None:
    sandbox, parties = world.sandbox, Parties(world)
    left = [application for application, state in ledger.states.items() if state == "open"]
    assert left, "none is open"
    ends = {end_of(date.fromisoformat(revocation_state(parties.egov, each).must("deadline"))) for each in left}
    sandbox.advance(f"PT{opened(world)['ttl'] + 1}S")
    claims = opened(world)
    assert {entry(claims, ledger.tokens[each].token) for each in left} == {UNDER_REVIEW}, "the list before"
    sandbox.set_clock(max(ends) + timedelta(days=3))
    for application in left:
        reply = ledger.tokens[application]
        assert revocation_state(parties.egov, application).must("state") == "lapsed", "not lapsed"
        assert status(world, parties, reply) == "not-active"
        assert status(world, parties, reply, min(ends) - timedelta(milliseconds=1)).startswith("active")
        assert status(world, parties, reply, max(ends)) == "not-active"
    claims = opened(world)
    assert {entry(claims, ledger.tokens[each].token) for each in left} == {INVALID}, "the list after"


def stopped_over_the_end(
    binary: Path, folder: Path, checks: Checks, title: str, end: Callable[[Sandbox], object]
) -> None:
    data, log = folder / "data", folder / "log"
    sandbox = Sandbox(binary, data, log)
    try:
        with checks.case(f"stopped by {title} before the end, started after it: lapsed at its start, dated right"):
            world = World(sandbox, data)
            parties, uin = Parties(world), sandbox.subject("yes").iin
            token = world.through_shep.ovt()
            reply = granted(world.through_shep, uin, world.services, ovt=token)
            filed = revoke(parties.egov, uin, jti_of(reply.token))
            application = filed.must("application_id")
            moment = end_of(date.fromisoformat(filed.must("deadline")))
            sandbox.set_clock(moment - timedelta(seconds=3))
            assert status(world, parties, reply) == "active+", status(world, parties, reply)
            world.line.close()
            end(sandbox)
            time.sleep(4)
            sandbox = Sandbox(binary, data, log)
            world = World(sandbox, data)
            parties = Parties(world)
            assert sandbox.now() > moment, f"the clock is before the end: {sandbox.now()}"
            # The very first exchange after `ready`.
            assert status(world, parties, reply) == "not-active", status(world, parties, reply)
            assert revocation_state(parties.egov, application).must("state") == "lapsed"
            before = status(world, parties, reply, moment - timedelta(milliseconds=1))
            assert before.startswith("active"), f"{before} before the end"
            assert status(world, parties, reply, moment) == "not-active", "dated at the start of the service, not right"
        with checks.case(f"{title}: the initiator's decision comes too late, the old ask is revoked"):
            answer = decide(parties.bank, refuse(application))
            assert answer.code == "SCSE001", answer.brief()
            again = world.through_shep.repeat(uin, world.services, reply.request_id)
            assert again.reason == "revoked", again.brief()
            old = world.through_shep.ovt(iat=int(moment.timestamp()) - 5)
            assert world.through_shep.ask_own(uin, world.services, old).reason == "revoked"
    finally:
        sandbox.__exit__()
