#!/usr/bin/env python3
"""Two nodes on one database of three members: `python cluster_campaign.py [--kdp BINARY] [--full] [--only NAME]…`.

Starts what `deploy/cluster` describes, from its files, on loopback: etcd and PostgreSQL under Patroni three times, two nodes of
`kdp serve`, HAProxy before them. Then it lets them fail:

| what | what must hold |
|---|---|
| `races` | one verification token, one limit, one request by SMS, one code, brought to both nodes at one moment: one effect each time |
| `visible` | what a command changes holds at both nodes within a second: an initiator suspended and resumed, a new sender, an entry of the directory, a new key |
| `node` | a node is killed while an SMS of it is on the way: the other sends it within ten seconds, under the same id |
| `failover` | under load, the leader of the database is killed with its Patroni, or its Patroni alone so that it goes on without a lease: nothing acknowledged is lost, no ask gives two tokens, no revoked token is told as active, writes are back within 25 s, and meanwhile answers are right or clear refusals |
| `partition` | a node is cut off from the database by the network (namespaces): it refuses clearly, and at once when it knows, says that it is not ready, and comes back by itself |
| `alone` | (`--full`) both other members are killed: the leader acknowledges nothing, nodes refuse and say that they are not ready |

Exit 1 if something does not hold. What cannot be done here is told as SKIPPED.
"""  # noqa: E501 (a table)

from __future__ import annotations

import argparse
import atexit
import json
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from cluster import alone, failover, node, partition, races, visible
from cluster.plan import Plan, Skipped
from cluster.stand import Stand
from sandbox import default_binary

PROCEDURES: dict[str, Callable[[Stand, Plan], str]] = {
    "races": races.run,
    "visible": visible.run,
    "node": node.run,
    "partition": partition.run,
    "alone": alone.run,
    "failover": failover.run,
}
#: Without `--full`.
SHORT = [name for name in PROCEDURES if name != "alone"]


def main() -> int:
    arguments = argparse.ArgumentParser(description="two nodes, three members of the database, and what fails")
    arguments.add_argument("--kdp", type=Path, default=None, help="the binary (default: the newer of target/*/kdp)")
    arguments.add_argument("--full", action="store_true", help="10 failovers and races of 1000 rounds; else 2 and 50")
    arguments.add_argument("--failovers", type=int, default=None)
    arguments.add_argument("--rounds", type=int, default=None, help="of each race")
    arguments.add_argument("--only", action="append", choices=list(PROCEDURES), help="these alone; repeatable")
    arguments.add_argument("--seed", default=None, help="of the moments; a random one is told")
    arguments.add_argument("--summary", type=Path, default=None, help="file for the summary as JSON")
    arguments.add_argument("--logs", type=Path, default=None, help="folder for all logs")
    asked = arguments.parse_args()
    seed = asked.seed or str(random.SystemRandom().randrange(10**6))
    plan = Plan(
        failovers=asked.failovers or (10 if asked.full else 2),
        rounds=asked.rounds or (1000 if asked.full else 50),
        seed=seed,
    )
    print(f"seed {seed}", flush=True)
    folder = Path(tempfile.mkdtemp(prefix="kdp-cluster-"))
    # The account of the database has folders below it.
    folder.chmod(0o711)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    signal.signal(signal.SIGTERM, _end)
    began = time.monotonic()
    stand = Stand((asked.kdp or default_binary()).resolve(), folder, partition.addresses())
    failed: list[str] = []
    try:
        stand.start()
        print(f"ok      start      {time.monotonic() - began:6.1f} s  3 members, 2 nodes, a balancer", flush=True)
        for name, procedure in PROCEDURES.items():
            if name in (asked.only or (PROCEDURES if asked.full else SHORT)):
                _one(stand, plan, name, procedure, failed)
        _one(stand, plan, "journal", _journal, failed)
    except (AssertionError, OSError) as error:
        failed.append("start")
        print(f"FAILED  start      {error}", flush=True)
    finally:
        stand.end(asked.logs)
        partition.clear()
    if asked.summary is not None:
        whole = {"seed": seed, "seconds": round(time.monotonic() - began), "failed": failed, **plan.figures}
        asked.summary.write_text(json.dumps(whole, ensure_ascii=False, indent=1) + "\n")
    print(f"{len(plan.figures)} procedures, {len(failed)} failed, seed {seed}")
    return 1 if failed else 0


def _journal(stand: Stand, plan: Plan) -> str:
    """After all that happened: the chains of all nodes hold, and none contradicts what another one signed."""
    told = plan.figures["journal"] = stand.verified()
    return "; ".join(told)


def _one(stand: Stand, plan: Plan, name: str, procedure: Callable[[Stand, Plan], str], failed: list[str]) -> None:
    began = time.monotonic()
    try:
        told = procedure(stand, plan)
        print(f"ok      {name:10} {time.monotonic() - began:6.1f} s  {told}", flush=True)
    except Skipped as why:
        plan.figures[name] = {"skipped": str(why)}
        print(f"SKIPPED {name:10} {why}", flush=True)
    except Exception as error:  # the others are tried all the same
        traceback.print_exc()
        failed.append(name)
        print(f"FAILED  {name:10} {time.monotonic() - began:6.1f} s  {type(error).__name__}: {error}", flush=True)


def _end(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)


if __name__ == "__main__":
    raise SystemExit(main())
