"""A node in a network of its own is cut off from the database."""

from __future__ import annotations

import os
import subprocess
import time

from cluster.members import wait
from cluster.plan import Plan, Skipped
from cluster.stand import Node, Stand
from command import Command
from crash.desk import CUT_OFF, Desk, Refused
from crash.ledger import Ledger
from crash.load import by_token

SPACE = f"kdp-{os.getpid()}"
#: Two wires from the machine to the node: to the database, which is cut, and to its clients.
DATABASE, CLIENTS = ("10.213.77.1", "10.213.77.2"), ("10.213.78.1", "10.213.78.2")
CUT = 20.0
NOTICED, BACK = 6.0, 3.0
#: Once the node knows that the database is away, nobody waits for it.
AT_ONCE = 0.5


def _ip(*words: str) -> bool:
    done = subprocess.run(["ip", *words], capture_output=True, text=True, timeout=20, check=False)
    return done.returncode == 0


def _wire(letter: str, ours: str, theirs: str) -> bool:
    near, far = f"kdp{letter}{os.getpid() % 100000}", f"kdp{letter}in"
    return (
        _ip("link", "add", near, "type", "veth", "peer", "name", far, "netns", SPACE)
        and _ip("address", "add", f"{ours}/30", "dev", near)
        and _ip("link", "set", near, "up")
        and _ip("-n", SPACE, "address", "add", f"{theirs}/30", "dev", far)
        and _ip("-n", SPACE, "link", "set", far, "up")
    )


def addresses() -> list[str]:
    """Where members listen for a node in a namespace; none where there can be none."""
    made = os.getuid() == 0 and _ip("netns", "add", SPACE) and _ip("-n", SPACE, "link", "set", "lo", "up")
    if made and _wire("d", *DATABASE) and _wire("c", *CLIENTS):
        return [DATABASE[0]]
    clear()
    return []


def clear() -> None:
    """The wires end with the namespace."""
    _ip("netns", "del", SPACE)


def run(stand: Stand, plan: Plan) -> str:
    if not stand.members.listen:
        raise Skipped("network namespaces need root and CAP_NET_ADMIN (ip netns, veth)")
    node = Node("kdp3", stand.binary, stand.service, CLIENTS[1], SPACE)
    hosts = ",".join(f"{DATABASE[0]}:{member.postgres_port}" for member in stand.members.members)
    stand.configure(node, hosts, CLIENTS[0])
    stand.nodes.append(node)
    try:
        node.start()
        return _cut(stand, node, plan)
    finally:
        stand.nodes.remove(node)
        if node.process is not None and node.process.poll() is None:
            node.kill()


def _cut(stand: Stand, node: Node, plan: Plan) -> str:
    uin = stand.subject("manual").iin
    world = stand.world()
    answers: list[tuple[float, str, float]] = []
    elsewhere = Desk(world, Command(stand.binary, stand.service), Ledger())

    def grant() -> str:
        desk = Desk(world, elsewhere.command, elsewhere.ledger, node.line())
        began = time.monotonic()
        try:
            reply = desk.ask("bank", uin, world.services, by_token(desk, "bank", 2, "OTP"))
            word = f"{reply.info_code} {reply.status}"
        except Refused as refused:
            word = str(refused)
        except CUT_OFF as error:
            word = f"no answer: {type(error).__name__}"
        finally:
            desk.close()
        answers.append((began, word, time.monotonic() - began))
        return word

    assert grant() == "SCSS001 VALID", answers
    near = f"kdpd{os.getpid() % 100000}"
    cut = time.monotonic()
    assert _ip("link", "set", near, "down")
    noticed = None
    while time.monotonic() - cut < CUT:
        word = grant()
        assert "VALID" not in word, "granted without a database"
        status, health = node.health()
        if noticed is None and status not in {0, 200}:
            noticed, why = time.monotonic() - cut, health
        # The other nodes go on meanwhile.
        assert elsewhere.ask("bank", uin, world.services, by_token(elsewhere, "bank", 2, "OTP")).status == "VALID"
        time.sleep(0.2)
    assert noticed is not None, "health says ready without a database"
    refusals = [(word, took) for began, word, took in answers if began > cut]
    first, later = refusals[0][1], [took for _, took in refusals[1:]]
    assert node.process is not None and node.process.poll() is None, "the node ended"
    healed = time.monotonic()
    assert _ip("link", "set", near, "up")
    back = wait(lambda: grant() == "SCSS001 VALID", "no grant after the cut was healed", 60)
    ready = wait(lambda: node.health() == (200, "ready"), "not ready after the cut was healed", 60)
    elsewhere.close()
    words = sorted({word for word, _ in refusals})
    plan.figures["partition"] = {
        "cut_seconds": CUT,
        "not_ready_after_seconds": round(noticed, 1),
        "health": why,
        "refusals": len(refusals),
        "words": words,
        "first_refusal_seconds": round(first, 2),
        "slowest_refusal_after_it_seconds": round(max(later), 3),
        "grants_again_after_seconds": round(back, 2),
        "ready_again_after_seconds": round(time.monotonic() - healed if ready else back, 2),
    }
    unclear = [word for word in words if word.startswith("no answer")]
    assert not unclear, f"unclear: {unclear}"
    assert noticed <= NOTICED, f"not ready after {noticed:.1f} s"
    assert max(later) <= AT_ONCE, f"a refusal took {max(later):.2f} s"
    assert back <= BACK, f"back after {back:.1f} s"
    return (
        f"not ready after {noticed:.1f} s («{why}»), {len(refusals)} asks refused ({', '.join(words)}), the first in "
        f"{first:.1f} s, the slowest of the others in {max(later):.2f} s; back {back:.1f} s after the cut was healed"
    )
