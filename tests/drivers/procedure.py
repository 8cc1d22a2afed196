"""Procedures on one installation, one after the other: a line each, and how many failed."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

On = TypeVar("On")


def run(on: On, procedures: Sequence[Callable[[On], str]]) -> int:
    """The exit code: 1 if one failed. A procedure tells what it found, or fails by AssertionError or OSError."""
    failed = 0
    for procedure in procedures:
        started = time.monotonic()
        try:
            told = procedure(on)
            print(f"ok      {procedure.__name__:20} {time.monotonic() - started:5.1f} s  {told}", flush=True)
        except (AssertionError, OSError) as error:
            failed += 1
            print(f"FAILED  {procedure.__name__:20} {error}", flush=True)
    print(f"{len(procedures) - failed} passed, {failed} failed")
    return 1 if failed else 0
