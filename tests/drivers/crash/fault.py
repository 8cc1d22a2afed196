"""The faults, one function each: it makes the fault `cycles` times in a stage, and holds everything after each."""

from __future__ import annotations

import itertools
import time
from collections import Counter
from collections.abc import Callable, Sequence

from crash import step
from crash.fiu import INPUT_OUTPUT, NO_SPACE
from crash.ledger import Ledger
from crash.load import Load, run_for
from crash.place import Disk
from crash.stage import Stage

# Names of calls, how often each fails, with which errno.
Kinds = Sequence[tuple[str, float, "int | None"]]
# How long after the end of a fault the service may take to work again.
WORKS_AGAIN = 5.0


def kill(stage: Stage, cycles: int) -> None:
    """kill -9 at a random moment under load."""
    stage.must_start()
    for _ in range(cycles):
        stage.cycle()
        load = stage.load(tolerant=False)
        seconds = stage.own.uniform(0.2, 1.2)
        load.start()
        run_for(load, seconds)
        stage.kill()
        load.stop()
        stage.notes.append(f"killed after {seconds:.2f} s")
        stage.held()


def steps(stage: Stage, cycles: int) -> None:
    """kill -9 between two steps, each step in turn."""
    stage.cycle()
    killed, seen = step.exchange(stage, None)
    aims = step.chosen(step.aims(seen), cycles, stage.own)
    stage.held()
    stage.kill()
    if killed or not aims:
        stage.ledger.violation("the sequence does not come to its end without a fault")
        return
    reached: Counter[str] = Counter()
    for aim in aims:
        stage.cycle()
        killed, seen = step.exchange(stage, aim)
        at = step.killed_at(seen, aim) if killed else "not reached"
        reached[at] += 1
        stage.notes.append(f"before {aim.call} {aim.number}: {at}")
        stage.held()
        stage.kill()
    stage.must_start()
    stage.cycles -= 1 + reached.pop("not reached", 0)
    stage.notes = [f"{count} × before «{what}»" for what, count in sorted(reached.items())]


def power(stage: Stage, cycles: int) -> None:
    """The power is cut under load."""
    stage.must_start()
    for _ in range(cycles):
        stage.cycle()
        load = stage.load(tolerant=True)
        load.start()
        run_for(load, stage.own.uniform(0.2, 1.2))
        cut(stage, load)
        stage.held()


def cut(stage: Stage, load: Load) -> None:
    """The disk is gone first: what is answered after that moment cannot be true, and would be found."""
    stage.notes.append(stage.place.cut(stage.own))
    time.sleep(0.02)
    stage.kill()
    load.stop()
    stage.place.again()


def syncs(stage: Stage, cycles: int) -> None:
    """fsync fails, now and then or always; then it works again, or the power is cut while it fails."""
    for probability in itertools.islice(itertools.cycle((0.1, 0.5, 1.0)), cycles):
        _failing(stage, [("posix/io/sync/*", probability, INPUT_OUTPUT)])


def space(stage: Stage, cycles: int) -> None:
    """The disk is full, writes are short, writes and reads fail: each by a call's errno."""
    kinds: tuple[Kinds, ...] = (
        [("posix/io/rw/pwrite", 1.0, NO_SPACE)],
        [("posix/io/rw/pwrite", 0.2, NO_SPACE)],
        [("posix/io/rw/pwrite/reduce", 0.3, None)],
        [("posix/io/rw/pread", 0.2, INPUT_OUTPUT), ("posix/io/rw/pwrite", 0.1, INPUT_OUTPUT)],
    )
    for kind in itertools.islice(itertools.cycle(kinds), cycles):
        _failing(stage, kind)


def calls(stage: Stage, cycles: int) -> None:
    """The shim for a machine without disks that can be made to fail: EIO for calls."""
    kinds: tuple[Kinds, ...] = (
        [("posix/io/rw/pwrite", 1.0, INPUT_OUTPUT)],
        [("posix/io/rw/pwrite", 0.1, INPUT_OUTPUT)],
        [("posix/io/rw/pread", 0.5, INPUT_OUTPUT), ("posix/io/rw/pwrite", 0.5, INPUT_OUTPUT)],
        [("posix/io/rw/pread", 1.0, INPUT_OUTPUT)],
    )
    for kind in itertools.islice(itertools.cycle(kinds), cycles):
        _failing(stage, kind)


def gone(stage: Stage, cycles: int) -> None:
    """The shim for a machine without disks to cut: from a moment on nothing is read, written or synced; kill -9."""
    for _ in range(cycles):
        _failing(stage, [("posix/io/rw/p*", 1.0, INPUT_OUTPUT), ("posix/io/sync/*", 1.0, INPUT_OUTPUT)], mends=False)


def _failing(stage: Stage, kinds: Kinds, mends: bool | None = None) -> None:
    """One cycle of libfiu. `mends`: whether the fault ends before the service does; None: now and then."""
    stage.cycle()
    load = stage.load(tolerant=True)
    load.start()
    run_for(load, stage.own.uniform(0.1, 0.4))
    failing = stage.controls()
    for name, probability, errno in kinds:
        failing.start(name, probability, errno)
    run_for(load, stage.own.uniform(0.2, 0.6))
    ended = stage.sandbox is not None and stage.sandbox.process.poll() is not None
    mended = stage.own.random() < 0.5 if mends is None else mends
    if mended and not ended:
        failing.stop()
        _works_again(stage, load)
    what = f"{', '.join(f'{name} {probability:.0%}' for name, probability, _ in kinds)}"
    if ended:
        stage.ledger.answered["the service ended by itself"] += 1
    cut(stage, load)
    stage.notes.append(f"{what}, {'then well' if mended else 'to the end'}, {stage.notes.pop()}")
    stage.held()


def _works_again(stage: Stage, load: Load) -> None:
    before, ends = stage.ledger.answered.total(), time.monotonic() + WORKS_AGAIN
    while time.monotonic() < ends:
        run_for(load, 0.1)
        if stage.ledger.answered.total() > before:
            stage.ledger.answered["worked again after the fault"] += 1
            return
    stage.ledger.violation(f"nothing is granted {WORKS_AGAIN} s after the fault ended")


def blocks(stage: Stage, cycles: int) -> None:
    """The disk answers reads, writes or both with errors, always or now and then; in the end the power is cut.

    What was written to new blocks while they failed may stay unwritten on the disk though it is written once more and
    synced well (ext4 keeps the pages, and forgets that their blocks are not in use yet): nothing may be built on it.
    """
    disk = stage.place
    assert isinstance(disk, Disk)
    kinds = itertools.cycle(
        (("error-pwrite-rate=100%",), ("error-pwrite-rate=3%",), ("error-pwrite-rate=50%",),
         ("error-pread-rate=50%", "error-pwrite-rate=50%"), ("error-pwrite-rate=20%",), ("error-pwrite-rate=10%",),
         ("error-pread-rate=100%",))
    )  # fmt: skip
    disk.errors = next(kinds)
    disk.cut(stage.own)
    disk.again()
    stage.must_start()
    for cycle in range(cycles):
        stage.cycle()
        load = stage.load(tolerant=True)
        load.start()
        run_for(load, stage.own.uniform(0.1, 0.4))
        disk.fail()
        # Every second fault is a short one: what is answered after it must be as durable as what was answered before.
        short = cycle % 2 == 0
        run_for(load, stage.own.uniform(0.004, 0.03) if short else stage.own.uniform(0.2, 0.8))
        if short:
            disk.mend()
            run_for(load, 0.5)
        if stage.sandbox is not None and stage.sandbox.process.poll() is not None:
            stage.ledger.answered["the service ended by itself"] += 1
        what, disk.errors = " ".join(disk.errors), next(kinds)
        cut(stage, load)
        stage.notes.append(f"{what}, {'a moment' if short else 'to the end'}, {stage.notes.pop()}")
        stage.held()


def lying(stage: Stage, seen: Callable[[Ledger], None]) -> None:
    """The control: a disk that confirms flushes without doing them. The checker must find what is lost."""
    disk = stage.place
    assert isinstance(disk, Disk)
    stage.ledger.quiet = True
    stage.must_start()
    stage.cycle()
    load = stage.load(tolerant=True)
    (disk.mounted / "unsynced").write_text("this was never synced")
    load.start()
    run_for(load, 0.8)
    cut(stage, load)
    if (disk.mounted / "unsynced").exists() and (disk.mounted / "unsynced").read_text():
        raise RuntimeError("the power cut does not lose what was not synced")
    try:
        stage.held()
    finally:
        seen(stage.ledger)
