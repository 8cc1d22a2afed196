"""The leader of the database is lost under load, again and again."""

from __future__ import annotations

import random
import time
from typing import Any

from cluster.members import wait
from cluster.plan import Plan
from cluster.rows import Rows
from cluster.stand import Stand
from cluster.traffic import Probe, Traffic
from command import Command
from crash.checker import hold
from crash.ledger import Ledger

WITHIN = 25.0
WORKERS = 5


def run(stand: Stand, plan: Plan) -> str:
    ledger = Ledger()
    rows = Rows(stand, ledger)
    rounds: list[dict[str, Any]] = []
    looked = 0
    for number in range(1, plan.failovers + 1):
        own = random.Random(f"{plan.seed}/failover/{number}")
        # Every third time the database goes on without its Patroni, and does not know that another leads.
        database = number % 3 != 2 or plan.failovers < 2
        ledger.doing = f"failover {number}"
        round_, seen = _one(stand, ledger, number, own, database)
        looked += seen
        rounds.append(round_)
        stand.members.complete(90)
        hold(stand.world(), Command(stand.binary, stand.service), ledger, rows, own)
        print(f"        failover {number}: {_told(round_)}; {len(ledger.violations)} violations", flush=True)
    verified = stand.verified()
    back = [each["writes_back_seconds"] for each in rounds]
    plan.figures["failover"] = {
        "rounds": rounds,
        "writes_back_worst_seconds": max(back),
        "answered": dict(ledger.answered),
        "refused": dict(ledger.refused),
        "cut_off": ledger.cut_off,
        "held": dict(ledger.held),
        "revoked_looked_at": looked,
        "sms_repeated": ledger.repeated_sms,
        "journal": verified,
        "violations": ledger.violations,
    }
    assert not ledger.violations, f"{len(ledger.violations)} violations, the first: {ledger.violations[0]}"
    assert max(back) <= WITHIN, f"writes back after {max(back):.1f} s"
    return (
        f"{len(rounds)} ×, {ledger.answered.total()} answered, {ledger.refused.total()} refused "
        f"({', '.join(sorted(ledger.refused))}), {ledger.cut_off} cut off, {ledger.held.total()} held, "
        f"0 lost, 0 double; "
        f"{looked} looks at revoked tokens, 0 active; writes back after {min(back):.1f} to {max(back):.1f} s; "
        f"slowest answer {max(each['slowest_answer_seconds'] for each in rounds):.1f} s"
    )


def _one(stand: Stand, ledger: Ledger, number: int, own: random.Random, database: bool) -> tuple[dict[str, Any], int]:
    members = stand.members
    leader = members.leader()
    assert leader is not None, "nobody leads"
    traffic, probe = Traffic(stand, ledger, number, own), Probe(stand, ledger)
    try:
        traffic.begin(WORKERS)
        time.sleep(3 + 2 * own.random())
        killed = time.monotonic()
        members.kill(leader, database)
        another = wait(lambda: members.leader() not in (None, leader), "no other member leads", 90)
        # Now the service manager, or somebody, has started it again.
        members.begin(leader)
        began = time.monotonic()
        wait(lambda: probe.after(began) is not None, "no grant succeeds again", 90)
        time.sleep(2)
    finally:
        traffic.stop()
        probe.stop()
    after = members.leader()
    return {
        "killed": f"{leader.name}, {'PostgreSQL and Patroni' if database else 'Patroni alone'}",
        "leads": after.name if after else None,
        "writes_back_seconds": round(probe.longest_gap(killed), 1),
        "another_leads_seconds": round(another, 1),
        "slowest_answer_seconds": round(probe.slowest, 1),
    }, traffic.looked


def _told(round_: dict[str, Any]) -> str:
    return (
        f"{round_['killed']} killed, {round_['leads']} leads; writes back after {round_['writes_back_seconds']} s, "
        f"slowest answer {round_['slowest_answer_seconds']} s"
    )
