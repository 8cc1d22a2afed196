"""What a command changes holds at the other node within a second."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace

from cluster.members import wait
from cluster.plan import Plan
from cluster.stand import Node, Stand
from command import Command
from crash.desk import Desk
from crash.ledger import Ledger
from crash.load import by_token
from installation import SERVICE
from sandbox import Peer

WITHIN = 1.0
LATER = "260140990414"


def run(stand: Stand, plan: Plan) -> str:
    uin = stand.subject("manual").iin
    figures: dict[str, float] = {}
    desks = {
        node.name: Desk(stand.world(node.public), Command(stand.binary, stand.service), Ledger())
        for node in stand.nodes
    }

    def reason(node: Node, who: str = "bank", **more: str) -> str:
        """Why it is as it is; of a message that was not let in, the fault."""
        desk = desks[node.name]
        try:
            return desk.ask(who, uin, desk.world.services, by_token(desk, who, 2, "OTP") | more).reason or ""
        except AssertionError as fault:
            return str(fault)

    def changed(what: str, due: str, *words: str, who: str = "bank", **more: str) -> None:
        """A command was done: from when on is the reason what is due, at each node?"""
        before = [reason(node, who, **more) for node in stand.nodes]
        assert due not in before, f"{what}: {before} already"
        stand.installation.kdp(*words)
        figures[what] = _until(stand, lambda node: reason(node, who, **more) == due)

    changed("suspended", "suspended", "initiator", "suspend", "bank", "--reason", "a race of nodes")
    changed("resumed", "granted", "initiator", "resume", "bank")
    entry = {"directory_id": "dir-visible"}
    changed(
        "new entry", "granted", "directory", "add", entry["directory_id"], "--bin", stand.peers["bank"].bin or "",
        "--name-kk", "Несие", "--name-ru", "Кредит", "--services", SERVICE, "--period", "30d", "--storage", "30d",
        "--processing", "30d", "--storage-ground", "Civil-code-178", "--personal-data", "ФИО", **entry,
    )  # fmt: skip
    changed("ended entry", "directory-expired", "directory", "end", entry["directory_id"], **entry)
    stand.peers["later"] = _registered(stand)
    figures["new sender"] = _until(stand, lambda node: reason(node, "later") == "granted")
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


def _registered(stand: Stand) -> Peer:
    """Another initiator, with what the first one has."""
    bank = stand.peers["bank"]
    added = stand.installation.kdp(
        "initiator", "add", "--sender-id", "later", "--name", "Later", "--bin", LATER, "--methods", "2",
        "--basis", "agreement 18", "--own-means", "bank", "--protocol", "protocol-18", "--services", SERVICE,
        "--ovt-key", str(stand.service / "bank.cert.pem"), "--json",
    )  # fmt: skip
    return replace(bank, name="later", sender_id="later", bin=LATER, password=json.loads(added)["password"])


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
