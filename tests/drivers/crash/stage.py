"""One service under one kind of fault: where its data lie, what it answered, and what is held against it."""

from __future__ import annotations

import contextlib
import random
import shutil
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from command import Command
from crash.checker import hold
from crash.fiu import Failing, environment
from crash.ledger import Ledger
from crash.load import Load
from crash.place import Folder
from crash.records import Records
from kdp_client import World
from sandbox import Sandbox

# Every so many cycles the command verifies the journal as well.
VERIFIED = 10


class Abandoned(Exception):
    """This stage cannot go on; the violation is noted."""


@dataclass
class Plan:
    """What all stages share. `seeded`: a sandbox's data that was never used; `logs`: where those of a violation go."""

    binary: Path
    folder: Path
    seeded: Path
    seed: str
    verbose: bool
    logs: Path | None


@dataclass
class Stage:
    """`name` of the fault; `means` by which it is done here; `failing`: libfiu is preloaded."""

    plan: Plan
    name: str
    means: str
    place: Folder
    failing: bool = False
    ledger: Ledger = field(default_factory=Ledger)
    cycles: int = 0
    notes: list[str] = field(default_factory=list)
    starts: list[float] = field(default_factory=list)
    seconds: float = 0

    def __post_init__(self) -> None:
        self.began = time.monotonic()
        self.place.begin(self.plan.seeded)
        self.place.settle()
        self.log = self.plan.folder / f"{self.name}.log"
        self.records = Records(self.place.data / "kdp.db", self.place.outside, self.ledger)
        self.command = Command(self.plan.binary, self.place.data)
        self.sandbox: Sandbox | None = None
        self.own = random.Random()

    @property
    def world(self) -> World:
        assert self.sandbox is not None
        return World(self.sandbox, self.place.data)

    def cycle(self) -> None:
        """A new one, with moments of its own; its number and the seed make them again."""
        self.cycles += 1
        self.ledger.doing = f"{self.name} {self.cycles}"
        self.own = random.Random(f"{self.plan.seed}/{self.name}/{self.cycles}")

    def start(self, under: Sequence[str] = ()) -> Sandbox:
        """Starts the service on what is there."""
        more = environment(self.plan.folder) if self.failing else None
        self.sandbox = Sandbox(self.plan.binary, self.place.data, self.log, under, more)
        self.starts.append(self.sandbox.start_seconds)
        return self.sandbox

    def must_start(self) -> Sandbox:
        """Nothing fails now, so it must start."""
        try:
            return self.start()
        except (AssertionError, SystemExit) as error:
            last = self.log.read_text(errors="replace").strip().splitlines()[-1:]
            self.ledger.violation(f"the service does not start again: {error}: {last}")
            raise Abandoned from error

    def load(self, tolerant: bool) -> Load:
        """Ends what waits from the cycle before, so that every ask is a request of its own; then loads."""
        sandbox = self.sandbox or self.must_start()
        sandbox.advance("PT16M")
        self.place.settle()
        return Load(self.world, self.command, self.ledger, self.cycles, self.own, tolerant=tolerant)

    def controls(self) -> Failing:
        """What makes calls of the running service fail."""
        assert self.sandbox is not None
        return Failing(self.plan.folder, self.sandbox.process.pid)

    def kill(self) -> None:
        """kill -9, however it lives."""
        if self.sandbox is not None and self.sandbox.process.poll() is None:
            self.sandbox.kill()

    def held(self) -> None:
        """Starts it again and holds everything against it."""
        self.must_start()
        world = self.world
        hold(world, self.command, self.ledger, self.records, self.own)
        world.line.close()
        if self.cycles % VERIFIED == 0:
            self.verify()
        if self.plan.verbose:
            print(
                f"{self.ledger.doing}: {self.notes[-1] if self.notes else ''}; "
                f"{self.ledger.answered.total()} answered, {self.ledger.held.total()} held, "
                f"{len(self.ledger.violations)} violations",
                flush=True,
            )

    def verify(self) -> None:
        """The command's own verdict on the journal, beside the one of `records`."""
        done = self.command.run("journal", "verify")
        if done.code != 0:
            self.ledger.violation(f"kdp journal verify: exit {done.code}: {(done.out or done.err).strip()[:300]}")

    def finish(self) -> None:
        """The whole journal once more, the command's own verdict on it, and a stop that must be clean."""
        if self.sandbox is not None and self.sandbox.process.poll() is None:
            self.ledger.doing = f"{self.name}, at the end"
            self.records.hold(whole=True)
            self.verify()
            code, _ = self.sandbox.stop()
            if code != 0:
                self.ledger.violation(f"exit code {code} after SIGTERM")
        self.seconds = time.monotonic() - self.began

    def end(self) -> None:
        """Ends the process and removes the data."""
        with contextlib.suppress(Exception):
            self.kill()
        if self.ledger.violations and not self.ledger.quiet and self.plan.logs is not None:
            shutil.copy(self.log, self.plan.logs)
        self.place.end()


def seed_data(binary: Path, folder: Path) -> Path:
    """The data of a sandbox that was started once and stopped."""
    data = folder / "seeded"
    sandbox = Sandbox(binary, data, folder / "seeding.log")
    sandbox.stop()
    (data / "lock").unlink(missing_ok=True)
    return data


def spoilt(plan: Plan, records: Records, sql: str) -> list[str]:
    """What the checker says to a copy of the database that somebody changed."""
    copy = plan.folder / "spoilt.db"
    for suffix in ("", "-wal"):
        with contextlib.suppress(FileNotFoundError):
            shutil.copy(f"{records.database}{suffix}", f"{copy}{suffix}")
    ledger = Ledger(doing="control", quiet=True)
    change(copy, sql)
    Records(copy, records.outside, ledger, records.seq, records.chain).hold(whole=True)
    for suffix in ("", "-wal", "-shm"):
        Path(f"{copy}{suffix}").unlink(missing_ok=True)
    return ledger.violations


def change(database: Path, sql: str) -> None:
    """Changes a database as somebody with an editor would."""
    with contextlib.closing(sqlite3.connect(database)) as connection:
        connection.executescript(sql)
        connection.commit()
