"""How often everything is done, and what was measured."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


class Skipped(Exception):
    """This machine cannot do it; why."""


@dataclass
class Plan:
    """`figures`: what each procedure measured, for the summary."""

    failovers: int
    rounds: int
    seed: str
    figures: dict[str, Any] = field(default_factory=dict)
