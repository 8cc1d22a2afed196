"""kill -9 between the steps of an exchange, by strace: before the Nth call of a kind, for N swept over all of them.

A service without hooks for tests has its steps all the same: it takes the lock of the log (BEGIN), writes frames to the
log, waits for the disk (COMMIT), gives the lock back, hands an SMS over, and answers on a socket; on SIGTERM it carries
the log to the database and removes it. Each of these is a call of the kernel; a call is not made when its caller is
killed at its entry, so that every border between two steps is tried. strace counts the calls of each thread apart.
"""

from __future__ import annotations

import random
import re
import shutil
import subprocess
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from crash.desk import CUT_OFF, Desk, Refused
from crash.load import Load
from crash.stage import Stage

CALLS = ("pwrite64", "fdatasync", "fsync", "ftruncate", "unlink", "rename", "write", "writev", "sendto", "fcntl")
# (call, end of the path) -> the step that is not taken any more
STEPS = (
    ("fcntl", "-shm", "lock of the log: begin, or end"),
    ("pwrite64", "-wal", "frame to the log"),
    ("fdatasync", "-wal", "sync of the log: commit"),
    ("pwrite64", "-shm", "index of the log"),
    ("ftruncate", "-shm", "index of the log"),
    ("pwrite64", "kdp.db", "checkpoint: page to the database"),
    ("fdatasync", "kdp.db", "checkpoint: sync of the database"),
    ("ftruncate", "kdp.db", "checkpoint: length of the database"),
    ("ftruncate", "-wal", "checkpoint: log emptied"),
    ("unlink", "-wal", "checkpoint: log removed"),
    ("unlink", "-shm", "checkpoint: index removed"),
    ("fdatasync", "/data", "sync of the folder"),
    ("write", "eventfd]", "a thread is woken"),
    ("write", "outside.jsonl", "1414 takes an SMS"),
    ("fdatasync", "outside.jsonl", "1414 has the SMS on its disk"),
    ("writev", "socket", "answer"),
    ("sendto", "socket", "answer"),
    ("write", "socket", "answer"),
    ("write", "sandbox.new", "settings of the sandbox"),
    ("fsync", "sandbox.new", "settings of the sandbox"),
    ("rename", "", "settings of the sandbox"),
)
LINE = re.compile(r"^(\d+) +(\w+)\(([^)]*)")


@dataclass(frozen=True)
class Aim:
    """The service is killed where a thread makes its `number`th `call`."""

    call: str
    number: int
    step: str


def missing() -> list[str]:
    """What this needs and the machine does not have or allow."""
    if shutil.which("strace") is None:
        return ["the program strace"]
    traced = subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True, check=False)
    return [] if traced.returncode == 0 else ["ptrace"]


def exchange(stage: Stage, aim: Aim | None) -> tuple[bool, Path]:
    """The fixed sequence under strace; whether the service was killed before its end, and what strace saw."""
    seen = stage.plan.folder / "strace.log"
    seen.unlink(missing_ok=True)
    under = ["strace", "-D", "-f", "-y", "-s", "0", "-o", str(seen), "-e", f"trace={','.join(CALLS)}"]
    if aim is not None:
        under += ["-e", f"inject={aim.call}:signal=KILL:when={aim.number}"]
    try:
        sandbox = stage.start(under)
    except (AssertionError, OSError):
        # Killed while it started: nothing was answered.
        return True, seen
    own = random.Random(1)
    load = Load(stage.world, stage.command, stage.ledger, stage.cycles, own, tolerant=True)
    desk = Desk(load.world, stage.command, stage.ledger)
    try:
        sandbox.advance("PT16M")
        for step in (
            load.grant, load.question, load.question, load.grant, load.question, load.look, load.revoke, load.again,
            load.question, load.collect, load.revoke,
        ):  # fmt: skip
            step(desk, own)
        code, _ = sandbox.stop()
        if code == 0:
            return False, seen
    except CUT_OFF:
        stage.ledger.cut_off += 1
    except Refused as refused:
        stage.ledger.violation(f"refused with {refused} though nothing fails")
    finally:
        desk.close()
    sandbox.process.wait(timeout=30)
    return True, seen


def step_of(line: str) -> str | None:
    """The step that a line of strace is."""
    found = LINE.match(line)
    if not found:
        return None
    call, words = found[2], found[3]
    file = re.search(r"<([^>]*)", words)
    path = file[1] if file else ""
    return next((step for name, end, step in STEPS if name == call and (path.endswith(end) or end in path[:7])), None)


def aims(seen: Path) -> list[Aim]:
    """Every call that was made, once a (call, number)."""
    counts: Counter[tuple[str, str]] = Counter()
    found: dict[tuple[str, int], Aim] = {}
    for line in seen.read_text(errors="replace").splitlines():
        match = LINE.match(line)
        if match is None:
            continue
        counts[match[1], match[2]] += 1
        number = counts[match[1], match[2]]
        step = step_of(line)
        if step is not None:
            found.setdefault((match[2], number), Aim(match[2], number, step))
    return list(found.values())


def killed_at(seen: Path, aim: Aim) -> str:
    """The step that was not taken, by the line at which the thread was killed."""
    counts: Counter[str] = Counter()
    for line in seen.read_text(errors="replace").splitlines():
        match = LINE.match(line)
        if match and match[2] == aim.call:
            counts[match[1]] += 1
            if counts[match[1]] == aim.number:
                return step_of(line) or f"{aim.call} elsewhere"
    return f"{aim.call} elsewhere"


def chosen(all_aims: list[Aim], most: int, own: random.Random) -> list[Aim]:
    """Each step in turn, so that each is tried whatever `most` is."""
    by_step: dict[str, list[Aim]] = {}
    for aim in own.sample(all_aims, len(all_aims)):
        by_step.setdefault(aim.step, []).append(aim)
    picked: list[Aim] = []
    while len(picked) < most and any(by_step.values()):
        for waiting in by_step.values():
            if waiting and len(picked) < most:
                picked.append(waiting.pop())
    return picked
