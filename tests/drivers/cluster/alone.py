"""The leader is left with no second member: nothing is acknowledged, and nothing of it comes to light later."""

from __future__ import annotations

import time

from cluster.members import wait
from cluster.plan import Plan
from cluster.stand import Stand
from command import Command
from crash.desk import CUT_OFF, Desk, Refused
from crash.fact import Values
from crash.ledger import Ledger
from crash.load import by_token

ALONE = 20.0


def run(stand: Stand, plan: Plan) -> str:
    members = stand.members
    leader = members.leader()
    assert leader is not None, "nobody leads"
    others = [member for member in members.members if member is not leader]
    command, ledger = Command(stand.binary, stand.service), Ledger()
    uin = stand.subject("manual").iin
    asked: list[Values] = []
    words: dict[str, int] = {}
    ready = slowest = 0.0
    for member in others:
        members.kill(member)
    began = time.monotonic()
    while time.monotonic() - began < ALONE:
        desk = Desk(stand.world(), command, ledger)
        values = by_token(desk, "bank", 2, "OTP")
        at = time.monotonic()
        try:
            reply = desk.ask("bank", uin, desk.world.services, values)
            word = f"{reply.info_code} {reply.status}"
        except Refused as refused:
            word = str(refused)
        except CUT_OFF as error:
            word = f"no answer: {type(error).__name__}"
        finally:
            desk.close()
        asked.append(values)
        words[word] = words.get(word, 0) + 1
        slowest = max(slowest, time.monotonic() - at)
        ready += any(node.health() == (200, "ready") for node in stand.nodes)
    usable = [node.metric("kdp_database_usable") for node in stand.nodes]
    for member in others:
        members.begin(member)
    healed = time.monotonic()
    desk = Desk(stand.world(), command, ledger)

    def granted() -> bool:
        try:
            return desk.ask("bank", uin, desk.world.services, by_token(desk, "bank", 2, "OTP")).status == "VALID"
        except (Refused, *CUT_OFF):
            desk.close()
            return False

    back = wait(granted, "no grant after the members came back", 90)
    members.complete(90)
    # Whatever became of each ask: asked again it is one token.
    for values in asked:
        tokens = {desk.ask("bank", uin, desk.world.services, values).token for _ in range(2)}
        assert len(tokens) == 1, "an ask that was refused gave two tokens"
    desk.close()
    plan.figures["alone"] = {
        "answers": words, "slowest_answer_seconds": round(slowest, 1), "told_ready": int(ready),
        "grants_again_after_seconds": round(back, 1), "complete_after_seconds": round(time.monotonic() - healed, 1),
    }  # fmt: skip
    assert not any("VALID" in word for word in words), f"granted with one member alone: {words}"
    assert not any(word.startswith("no answer") for word in words), f"unclear: {words}"
    assert usable == [0.0, 0.0], f"kdp_database_usable is {usable}, which the alert goes by"
    assert not ready, f"a node said {int(ready)} times that it is ready"
    return (
        f"{sum(words.values())} asks refused ({', '.join(sorted(words))}), the slowest in {slowest:.1f} s, "
        f"no node ready; "
        f"grants {back:.1f} s after the two came back, each ask that was refused is one token"
    )
