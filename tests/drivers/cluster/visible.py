"""What a command changes holds at the other node within a second."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

from cluster.members import wait
from cluster.plan import Plan
from cluster.stand import Node, Stand
from command import Command
from crash.desk import Desk
from crash.ledger import Ledger
from crash.load import by_token

WITHIN = 1.0


def run(stand: Stand, plan: Plan) -> str:
    uin = stand.subject("manual").iin
    figures: dict[str, float] = {}
    desks = {
        node.name: Desk(stand.world(node.public), Command(stand.binary, stand.service), Ledger())
        for node in stand.nodes
    }

    def reason(node: Node) -> str:
        desk = desks[node.name]
        return desk.ask("bank", uin, desk.world.services, by_token(desk, "bank", 2, "OTP")).reason or ""

    for verb, words, due in (
        ("suspend", ["--reason", "a race of nodes"], "suspended"),
        ("resume", [], "granted"),
    ):
        stand.installation.kdp("initiator", verb, "bank", *words)
        figures[verb] = _until(stand, lambda node, due=due: reason(node) == due)
    before = {node.name: kids(node) for node in stand.nodes}
    stand.installation.kdp("keys", "rotate")
    figures["new key"] = _until(stand, lambda node: kids(node) > before[node.name])
    for desk in desks.values():
        desk.close()
    assert kids(stand.nodes[0]) == kids(stand.nodes[1]), "the nodes publish different keys"
    plan.figures["visible"] = {name: round(seconds, 3) for name, seconds in figures.items()}
    late = {name: seconds for name, seconds in figures.items() if seconds > WITHIN}
    assert not late, f"seen later than {WITHIN} s: {plan.figures['visible']}"
    return ", ".join(f"{name} after {seconds * 1000:.0f} ms" for name, seconds in figures.items())


def kids(node: Node) -> set[str]:
    line = node.line()
    try:
        return {key["kid"] for key in json.loads(line.send("GET", "/.well-known/jwks.json").body)["keys"]}
    finally:
        line.close()


def _until(stand: Stand, seen: Callable[[Node], bool]) -> float:
    """Seconds until each node has seen it."""
    began = time.monotonic()
    for node in stand.nodes:
        wait(lambda node=node: seen(node), f"{node.name} does not see it", 20)
    return time.monotonic() - began
