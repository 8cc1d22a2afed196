"""The command line beside the running sandbox: `kdp … --data DIR` (surface.md)."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Done:
    """What a command printed and how it ended."""

    code: int
    out: str
    err: str


class Command:
    """Runs subcommands of the binary on one sandbox's data."""

    def __init__(self, binary: Path, data: Path) -> None:
        self.binary = binary
        self.data = data

    def exists(self, *words: str) -> bool:
        """Whether there is such a subcommand; its --help must say so."""
        done = self._run([*words, "--help"])
        return done.code == 0

    def run(self, *words: str) -> Done:
        """Runs it on the data of the sandbox, whatever its exit code."""
        return self._run([*words, "--data", str(self.data)])

    def bare(self, *words: str) -> Done:
        """A command that needs no data, whatever its exit code."""
        return self._run(list(words))

    def do(self, *words: str) -> str:
        """Runs it; anything but exit 0 is a failure."""
        done = self.run(*words)
        shown = " ".join(word for word in words if not word.isdigit())
        assert done.code == 0, f"kdp {shown}: exit {done.code}: {(done.err or done.out).strip()[:300]}"
        return done.out

    def plain(self, *words: str) -> str:
        """A command that needs no data; anything but exit 0 is a failure."""
        done = self._run(list(words))
        assert done.code == 0, f"kdp {' '.join(words[:2])}: exit {done.code}: {done.err.strip()[:300]}"
        return done.out

    def refused(self, *words: str, code: int = 1) -> Done:
        """Runs what must be refused with this exit code, and with a word on stderr."""
        done = self.run(*words)
        assert done.code == code, f"exit {done.code}, expected {code}: {(done.err or done.out).strip()[:300]}"
        assert done.err.strip(), "refused without a word on stderr"
        return done

    def erase(self, uin: str, *order: str) -> str:
        """Erases a subject, which needs two security officers."""
        asked = self.run("subject", "erase", uin, *order, "--json")
        assert asked.code == 1, f"erased by one alone, or not asked for: {asked.err.strip()[:300]}"
        approval = json.loads(asked.out)["approval"]
        self.do("operator", "approve", approval, "--for", "subject-erase", uin, *order, "--operator", "officer2")
        return self.do("subject", "erase", uin, *order)

    def json(self, *words: str) -> Any:
        return json.loads(self.do(*words, "--json"))

    def _run(self, words: list[str]) -> Done:
        done = subprocess.run(
            [str(self.binary), *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr)
