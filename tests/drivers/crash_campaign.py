#!/usr/bin/env python3
"""The crash campaign: `python crash_campaign.py [--kdp BINARY] [--full] [--seed S] [--kill N] [--power N] …`.

It loads the service with everything that is acknowledged (`crash/load.py`), lets something fail, starts the service
again on what is left, and holds every answer that was received against it (`crash/fact.py`, `crash/records.py`).

| fault | how | where that is forbidden |
|---|---|---|
| `kill` | kill -9 at a random moment under load | |
| `step` | kill -9 before the Nth call of a kind, N swept: begin, frame, sync, answer, checkpoint (`strace`) | libfiu: all calls fail, then kill -9 |
| `power` | nbdkit with a volatile cache → nbdfuse → loop → ext4; kill -9 of nbdkit, a random part of the cache survives | libfiu: all calls fail, then kill -9 |
| `fsync` | libfiu: fsync and fdatasync fail, then the power is cut | the same, then kill -9 |
| `block` | nbdkit's filter `error` under that filesystem: EIO for reads and writes | libfiu: EIO for reads and writes |
| `space` | libfiu: ENOSPC, short writes, EIO, on plain files | |

| promise | how it is checked |
|---|---|
| no acknowledged decision is lost | every fact of `crash/fact.py` of the cycle, and a sample of all earlier ones, is asked for again |
| no token twice | one ask word for word gives the same bytes under the same request id, also when its first answer was cut off; no two rows share a jti, a place in the status list, an ovt use or a live key, counted without the indexes |
| no SMS unsent, none doubled beyond at-least-once | each request answered as PENDING has its SMS in what 1414 received; an ask has one sms_id, its request's; a repetition under the same id is counted and allowed; no SMS is of a request that the database does not know |
| a guess gains no attempt | wrong codes judged over kills are counted: the third closes the request for the right one too |
| the journal is unbroken | each link counted anew here (SHA-256 as `src/journal.rs` documents), no gap, what was seen before stands unchanged; each decision id answered is there once; every tenth cycle and at the end `kdp journal verify` says the same |
| the file is sound | PRAGMA integrity_check and foreign_key_check; e2fsck of the disk |
| the service works | it starts after each fault; it grants again within 5 s of the end of a failing fsync or full disk; SIGTERM ends it with 0 |

The checker must be able to fail: a disk that confirms flushes without doing them (`control`) loses acknowledged things, and
copies of the database with a record changed or removed have a broken journal; all of that must be found, or the campaign fails.

Exit 1 on any violation. `--seed S --only FAULT` makes the moments of a run again; violations name fault and cycle.
"""  # noqa: E501 (tables)

from __future__ import annotations

import argparse
import atexit
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from crash import fault, fiu, place, step
from crash.ledger import Ledger
from crash.place import Disk, Folder
from crash.stage import Abandoned, Plan, Stage, seed_data, spoilt
from sandbox import default_binary

FULL = {"kill": 300, "step": 150, "power": 50, "fsync": 50, "block": 50, "space": 20}
SHORT = {"kill": 4, "step": 9, "power": 4, "fsync": 3, "block": 5, "space": 4}
SHIM = "libfiu in place of it"


@dataclass(frozen=True)
class Way:
    """How a fault is made on this machine."""

    means: str
    make: Callable[[Path], Folder]
    run: Callable[[Stage, int], None]
    failing: bool = False


def ways(lacks: dict[str, list[str]]) -> dict[str, Way]:
    """The way of each fault, by what the machine lacks."""
    disk, ptrace = not lacks["disk"], not lacks["ptrace"]
    plain, on = Folder, "nbdkit, nbdfuse, loop device, ext4"
    return {
        "kill": Way("SIGKILL", plain, fault.kill),
        "step": Way("strace inject", plain, fault.steps) if ptrace else Way(SHIM, plain, fault.gone, True),
        "power": Way(on, Disk, fault.power) if disk else Way(SHIM, plain, fault.gone, True),
        "fsync": Way(f"libfiu; power cut: {on}", Disk, fault.syncs, True)
        if disk
        else Way("libfiu, SIGKILL", plain, fault.syncs, True),
        "block": Way(f"nbdkit filter error; {on}", Disk, fault.blocks) if disk else Way(SHIM, plain, fault.calls, True),
        "space": Way("libfiu", plain, fault.space, True),
    }


def main() -> int:
    arguments = argparse.ArgumentParser(description="everything that is acknowledged, under everything that fails")
    arguments.add_argument("--kdp", type=Path, default=None, help="the binary (default: the newer of target/*/kdp)")
    arguments.add_argument("--full", action="store_true", help=f"as often as {FULL}; else {SHORT}")
    arguments.add_argument("--only", action="append", choices=[*FULL, "control"], help="these faults; repeatable")
    arguments.add_argument("--seed", default=None, help="of the moments; a random one is told")
    arguments.add_argument("--summary", type=Path, default=None, help="file for the summary as JSON")
    arguments.add_argument("--logs", type=Path, default=None, help="folder for the service's log of a violation")
    arguments.add_argument("--forbid", action="append", default=[], choices=["disk", "ptrace"], help="as if it lacked")
    arguments.add_argument("--verbose", action="store_true", help="a line for each cycle")
    for name in FULL:
        arguments.add_argument(f"--{name}", type=int, default=None, help="how many cycles")
    asked = arguments.parse_args()
    binary = (asked.kdp or default_binary()).resolve()
    counts = {name: getattr(asked, name) for name in FULL}
    usual = FULL if asked.full else SHORT
    counts = {name: usual[name] if count is None else count for name, count in counts.items()}
    names = asked.only or [*counts, "control"]
    seed = asked.seed or str(random.SystemRandom().randrange(10**6))
    print(f"seed {seed}", flush=True)
    place.sweep()
    folder = Path(tempfile.mkdtemp(prefix=place.PREFIX))
    (folder / "owner").write_text(str(os.getpid()))
    atexit.register(place.take_down, folder)
    signal.signal(signal.SIGTERM, _end)
    lacks = {
        "disk": place.missing(folder) + ["disks (--forbid)"] * ("disk" in asked.forbid),
        "ptrace": step.missing() + ["ptrace (--forbid)"] * ("ptrace" in asked.forbid),
        "libfiu": [] if fiu.libraries() else ["the libraries of fiu-utils"],
    }
    plan = Plan(binary, folder, seed_data(binary, folder), seed, asked.verbose, asked.logs)
    rows: list[dict[str, object]] = []
    for name, way in ways(lacks).items():
        if name in names and counts[name]:
            if way.failing and lacks["libfiu"]:
                rows.append(_row(name, way.means, None, ["not run: " + ", ".join(lacks["libfiu"])]))
                continue
            rows.append(_run(plan, name, way, counts[name]))
    controls = _controls(plan, bool(lacks["disk"])) if "control" in names else []
    return _summary(asked.summary, seed, lacks, rows, controls)


def _end(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)


def _run(plan: Plan, name: str, way: Way, cycles: int) -> dict[str, object]:
    stage = Stage(plan, name, way.means, way.make(plan.folder / name), way.failing)
    try:
        way.run(stage, cycles)
        stage.finish()
    except Abandoned:
        stage.notes.append("abandoned")
    except (OSError, RuntimeError) as error:
        stage.ledger.violation(f"the campaign cannot go on: {error}")
    finally:
        stage.end()
    row = _row(name, way.means, stage, stage.notes if way.run is fault.steps else [])
    print(_line(row), flush=True)
    return row


def _row(name: str, means: str, stage: Stage | None, notes: list[str]) -> dict[str, object]:
    row: dict[str, object] = {"fault": name, "means": means, "cycles": stage.cycles if stage else 0, "notes": notes}
    if stage is None:
        return row | {"violations": ["not run"]}
    ledger = stage.ledger
    return row | {
        "seconds": round(stage.seconds or time.monotonic() - stage.began),
        "answered": dict(ledger.answered),
        "refused": dict(ledger.refused),
        "cut_off": ledger.cut_off,
        "held": dict(ledger.held),
        "journal_records": stage.records.journal,
        "repeated_sms": ledger.repeated_sms,
        "slowest_start_seconds": round(max(stage.starts, default=0), 2),
        "violations": ledger.violations,
    }


def _line(row: dict[str, object]) -> str:
    def total(key: str) -> int:
        counted = row.get(key)
        return sum(counted.values()) if isinstance(counted, dict) else 0

    violations = row["violations"]
    assert isinstance(violations, list)
    return (
        f"{row['fault']}: {row['cycles']} × by {row['means']}; {total('answered')} answered, "
        f"{total('refused')} refused, {row.get('cut_off', 0)} cut off; "
        f"{total('held')} held, {row.get('journal_records', 0)} journal records, "
        f"{row.get('repeated_sms', 0)} SMS repeated under their id; {len(violations)} violations "
        f"({row.get('seconds', 0)} s)"
    )


def _controls(plan: Plan, without_disk: bool) -> list[dict[str, object]]:
    """What must be found; each with how many violations the checker saw."""
    found: list[dict[str, object]] = []
    stage = Stage(plan, "control", "plain files", Folder(plan.folder / "control"))
    try:
        fault.kill(stage, 1)
        stage.kill()
        for title, sql in (
            ("a record of the journal changed", "UPDATE journal SET outcome = 'x' WHERE seq = 3"),
            ("a record of the journal removed", "DELETE FROM journal WHERE seq = 3"),
            ("the last records of the journal removed", "DELETE FROM journal WHERE seq > 100"),
        ):
            found.append({"control": title, "found": len(spoilt(plan, stage.records, sql))})
    finally:
        stage.end()
    if without_disk:
        return found
    disk = Disk(plan.folder / "lying")
    stage = Stage(plan, "lying", "a disk that confirms flushes without doing them", disk)
    lost: list[int] = []

    def seen(ledger: Ledger) -> None:
        lost.append(len(ledger.violations))

    try:
        disk.lie()
        fault.lying(stage, seen)
    except Abandoned:
        pass
    finally:
        stage.end()
    return [*found, {"control": stage.means, "found": max(lost, default=0)}]


def _summary(
    file: Path | None,
    seed: str,
    lacks: dict[str, list[str]],
    rows: list[dict[str, object]],
    controls: list[dict[str, object]],
) -> int:
    violations = [each for row in rows for each in row["violations"]]  # type: ignore[attr-defined]
    blind = [each for each in controls if not each["found"]]
    print("\ncrash campaign")
    for row in rows:
        print(f"  {_line(row)}")
        for note in row["notes"]:  # type: ignore[attr-defined]
            print(f"    {note}")
    for each in controls:
        print(f"  control, {each['control']}: {each['found'] or 'NOT'} found")
    for what, missing in lacks.items():
        if missing:
            print(f"  this machine lacks, for {what}: {', '.join(missing)}; in place of it: libfiu, and kill -9")
    print(f"  {len(violations)} violations, seed {seed}")
    if file is not None:
        whole = {"seed": seed, "faults": rows, "controls": controls, "lacks": lacks, "violations": len(violations)}
        file.write_text(json.dumps(whole, ensure_ascii=False, indent=1) + "\n")
    return 1 if violations or blind or not (rows or controls) else 0


if __name__ == "__main__":
    raise SystemExit(main())
