"""All races, one after the other."""

from __future__ import annotations

from cluster import race
from cluster.plan import Plan
from cluster.stand import Stand

RACES = {"ovt": race.one_ask, "limit": race.one_limit, "request": race.one_request, "code": race.one_code}


def run(stand: Stand, plan: Plan) -> str:
    figures = {}
    for name, round_ in RACES.items():
        since = len(stand.phones.sent)
        raced = race.race(stand, round_, plan.rounds)
        figures[name] = {
            "rounds": raced.rounds,
            "outcomes": dict(raced.outcomes),
            "wrong": raced.wrong,
            "sms_twice": race.doubled(stand, since),
            "seconds": round(raced.seconds, 1),
        }
    plan.figures["races"] = figures
    for name, each in figures.items():
        assert not each["wrong"], f"{name}: {len(each['wrong'])} of {each['rounds']} rounds: {each['wrong'][0]}"
        assert not each["sms_twice"], f"{name}: {each['sms_twice']} SMS twice, though nothing failed"
    return "; ".join(
        f"{name}: {each['rounds']} rounds, " + ", ".join(f"{count} {what}" for what, count in each["outcomes"].items())
        for name, each in figures.items()
    )
