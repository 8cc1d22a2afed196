"""Failing calls by libfiu (Debian: fiu-utils, libfiu0): preloaded, and told by its pipes what fails from when on."""

from __future__ import annotations

import contextlib
import os
import re
import select
import shutil
import time
from pathlib import Path

LIBRARIES = ("fiu_run_preload.so", "fiu_posix_preload.so")
NO_SPACE = 28
INPUT_OUTPUT = 5


def libraries() -> Path | None:
    """The folder of the preload libraries, as `fiu-run` names it."""
    script = shutil.which("fiu-run")
    named = re.search(r"PLIBPATH=\"?([^\"\n]+)", Path(script).read_text()) if script else None
    places = [Path(named[1])] if named else []
    for place in [*places, Path("/usr/lib/fiu"), Path("/usr/local/lib/fiu")]:
        if all((place / name).exists() for name in LIBRARIES):
            return place
    return None


def environment(folder: Path) -> dict[str, str]:
    """What a process must have so that `Failing` reaches it."""
    place = libraries()
    assert place is not None
    return {"LD_PRELOAD": " ".join(str(place / name) for name in LIBRARIES), "FIU_CTRL_FIFO": str(folder / "fiu")}


class Failing:
    """Commands to one process."""

    def __init__(self, folder: Path, process: int) -> None:
        self.pipe = folder / f"fiu-{process}"
        self.names: list[str] = []

    def start(self, name: str, probability: float, errno: int | None = None) -> None:
        """From now on calls of this kind (`posix/io/sync/*`) fail that often; with some fitting errno, or this one."""
        information = "" if errno is None else f",failinfo={errno}"
        self._say(f"enable_random name={name},probability={probability}{information}")
        self.names.append(name)

    def stop(self) -> None:
        for name in self.names:
            self._say(f"disable name={name}")
        self.names = []

    def _say(self, command: str) -> None:
        told = self._pipe()
        heard = os.open(f"{self.pipe}.out", os.O_RDONLY | os.O_NONBLOCK)
        try:
            os.write(told, f"{command}\n".encode())
            ready, _, _ = select.select([heard], [], [], 5)
            answer = os.read(heard, 100) if ready else b"no answer"
            if answer.strip() != b"0":
                raise RuntimeError(f"libfiu does not take the command: {answer!r}")
        finally:
            os.close(told)
            os.close(heard)

    def _pipe(self) -> int:
        """libfiu closes its end after each command, and opens it again a moment later."""
        for _ in range(100):
            with contextlib.suppress(OSError):
                return os.open(f"{self.pipe}.in", os.O_WRONLY | os.O_NONBLOCK)
            time.sleep(0.02)
        raise RuntimeError("libfiu does not listen")
