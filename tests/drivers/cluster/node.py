"""A node is killed with a job of it under way: the other does it."""

from __future__ import annotations

import signal
import time
from concurrent.futures import ThreadPoolExecutor

from cluster.members import wait
from cluster.plan import Plan
from cluster.stand import Node, Stand
from command import Command
from crash.desk import Desk
from crash.ledger import Ledger

WITHIN = 10.0
JOBS = 16


def run(stand: Stand, plan: Plan) -> str:
    """1414 does not answer the node that takes the jobs, and it is killed with all of them."""
    phones, (taken, survivor) = stand.phones, stand.nodes
    phones.deaf = {taken.name}
    # Else the other node would be first with some of them.
    survivor.send(signal.SIGSTOP)
    try:
        with ThreadPoolExecutor(JOBS) as pool:
            asked = set(pool.map(lambda _: _ask(stand, taken.public), range(JOBS)))
        # It takes what is due when it looks: one at first, and the others when it gave that up.
        wait(lambda: _leased(stand, taken) > JOBS / 2, f"{taken.name} does not take its jobs", 20)
        leased = _leased(stand, taken)
        killed = time.monotonic()
        taken.kill()
    finally:
        survivor.send(signal.SIGCONT)
    wait(lambda: asked <= {sms.id for sms in phones.sent}, "an SMS of the dead node is not sent", 60)
    took = max(sms.at for sms in phones.sent if sms.id in asked) - killed
    phones.deaf = set()
    twice = sum(sum(sms.id == each for sms in phones.sent) - 1 for each in asked)
    back = taken.start()
    plan.figures["node"] = {
        "sms_asked": len(asked), "jobs_leased": leased, "taken_over_seconds": round(took, 2), "sms_twice": twice,
        "ready_again_seconds": round(back, 2),
    }  # fmt: skip
    assert took <= WITHIN, f"taken over after {took:.1f} s"
    assert not twice, f"{twice} SMS were sent twice"
    return (
        f"{len(asked)} SMS asked at the dead node, {leased} of them leased by it, sent by the other, the last "
        f"{took:.1f} s after kill -9, none twice; started again in {back:.1f} s"
    )


def _leased(stand: Stand, node: Node) -> int:
    return int(stand.members.ask(f"SELECT count(*) FROM job WHERE node = '{node.name}'")[0][0])


def _ask(stand: Stand, port: int) -> str:
    """The id of the SMS that an ask will send."""
    desk = Desk(stand.world(port), Command(stand.binary, stand.service), Ledger())
    try:
        uin = stand.subject("manual").iin
        reply = desk.ask("bank", uin, desk.world.services, {"omit_sms": "false", "method": "1"})
        assert reply.status == "PENDING", reply.brief()
        return f"{reply.request_id}-ask"
    finally:
        desk.close()
