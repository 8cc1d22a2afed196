"""Holds a ledger against the service that was started again, and against its files."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from command import Command
from crash.desk import Desk, Refused
from crash.ledger import Fact, Ledger
from crash.records import Records
from kdp_client import World

MOST_FRESH = 250
MOST_EARLIER = 25


def hold(world: World, command: Command, ledger: Ledger, records: Records, own: random.Random) -> None:
    """After a restart; then what was fresh is earlier."""
    desk = Desk(world, command, ledger)
    try:
        for ask in ledger.unsure:
            _one(ledger, "unanswered ask", lambda ask=ask: ask(desk))
        for fresh, facts, most in ((True, ledger.fresh, MOST_FRESH), (False, ledger.earlier, MOST_EARLIER)):
            for fact in _some(facts, most, own):
                if not _one(ledger, fact.kind, lambda fact=fact, fresh=fresh: fact.hold(desk, fresh)):
                    # What is lost is told once.
                    facts.remove(fact)
    finally:
        desk.close()
    for _ in range(len(wait_for_sms(world, records))):
        ledger.violation("the SMS of a request that was answered as PENDING is missing")
    ledger.held["SMS"] += len(ledger.promised)
    records.hold()
    ledger.close_cycle()


def _some(facts: list[Fact], most: int, own: random.Random) -> list[Fact]:
    return list(facts) if len(facts) <= most else own.sample(facts, most)


def _one(ledger: Ledger, kind: str, held: Callable[[], str | None]) -> bool:
    ledger.held[kind] += 1
    try:
        wrong = held()
    except Refused as refused:
        wrong = f"{kind}: refused with {refused} after the restart, though nothing fails"
    except AssertionError as error:
        wrong = f"{kind}: a wrong answer: {error}"
    if wrong:
        ledger.violation(wrong)
    return not wrong


def wait_for_sms(world: World, records: Records) -> set[str]:
    """What did not arrive in five seconds, nor after a minute of the sandbox clock (put off after a failure)."""
    ends = time.monotonic() + 5
    while (missing := records.missing_sms()) and time.monotonic() < ends:
        time.sleep(0.1)
    if missing:
        world.sandbox.advance("PT1M")
        missing = records.missing_sms()
    return missing
