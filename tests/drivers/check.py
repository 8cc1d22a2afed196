"""Counting of cases: one line each on stdout, nothing stops at the first failure."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager


class Checks:
    """Counts and prints; a failed case names the assertion and its line."""

    def __init__(self) -> None:
        self.passed = 0
        self.failed: list[str] = []
        self._topic = ""

    def topic(self, name: str) -> None:
        self._topic = name

    @contextmanager
    def case(self, title: str) -> Iterator[None]:
        name = f"{self._topic}: {title}"
        try:
            yield
        except Exception as error:
            self.failed.append(name)
            frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "/case_" in frame.filename]
            place = f" (line {frames[-1].lineno})" if frames else ""
            text = str(error).splitlines()
            print(f"FAIL {name}{place}: {type(error).__name__}: {text[0] if text else ''}", flush=True)
        else:
            self.passed += 1
            print(f"ok   {name}", flush=True)

    def summary(self) -> int:
        for name in self.failed:
            print(f"failed: {name}")
        print(f"{self.passed} passed, {len(self.failed)} failed")
        return 1 if self.failed or not self.passed else 0
