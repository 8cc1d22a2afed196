"""What was answered during a run, and every violation found."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from crash.desk import Desk


class Fact(Protocol):
    """Something that was answered; it can be held against the service that was started again."""

    kind: str

    def hold(self, desk: Desk, fresh: bool) -> str | None:
        """None when it stands, else what is wrong. `fresh`: it is of the cycle that just ended."""


# An ask whose answer was cut off: asked twice after the restart, it must give one token.
Open = Callable[["Desk"], "str | None"]


@dataclass
class Ledger:
    """Threads write to it; `lock` guards all of it."""

    fresh: list[Fact] = field(default_factory=list)
    earlier: list[Fact] = field(default_factory=list)
    # Asks whose answers never came.
    unsure: list[Open] = field(default_factory=list)
    # Decision ids that were answered in this cycle.
    decisions: set[str] = field(default_factory=set)
    # The mark in an SMS -> id of the request that was answered for it; None: no answer came.
    marks: dict[str, str | None] = field(default_factory=dict)
    # Requests that were answered as PENDING: their SMS must be there. Those of this cycle.
    promised: set[str] = field(default_factory=set)
    answered: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    held: Counter[str] = field(default_factory=Counter)
    cut_off: int = 0
    repeated_sms: int = 0
    violations: list[str] = field(default_factory=list)
    # What is being done, for the text of a violation.
    doing: str = ""
    # Violations are what is wanted.
    quiet: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def violation(self, text: str) -> None:
        with self.lock:
            self.violations.append(f"{self.doing}: {text}")
        if not self.quiet:
            print(f"VIOLATION {self.doing}: {text}", flush=True)

    def add(self, fact: Fact) -> None:
        with self.lock:
            self.fresh.append(fact)
            self.answered[fact.kind] += 1

    def refusal(self, code: str) -> None:
        with self.lock:
            self.refused[code] += 1

    def close_cycle(self) -> None:
        """What was fresh is earlier now."""
        self.earlier += self.fresh
        self.fresh, self.unsure = [], []
        self.decisions, self.promised = set(), set()
