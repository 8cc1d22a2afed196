"""PostgreSQL does not run as root: its processes have the account that Debian's package made, unless we are no root."""

from __future__ import annotations

import contextlib
import os
import pwd
import signal
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path

NAME = "postgres" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name


def under() -> list[str]:
    """What runs a command as that account, and keeps its process id."""
    if os.getuid() != 0:
        return []
    return ["setpriv", f"--reuid={NAME}", f"--regid={NAME}", "--init-groups"]


def own(paths: Iterable[Path]) -> None:
    """Gives it what it must read or write."""
    if os.getuid() == 0:
        account = pwd.getpwnam(NAME)
        for path in paths:
            os.chown(path, account.pw_uid, account.pw_gid)


def start(command: list[str], log: Path) -> subprocess.Popen[bytes]:
    """A process of the account, at home where its log is."""
    with log.open("ab") as file:
        return subprocess.Popen(
            [*under(), *command],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            cwd=log.parent,
            env={**os.environ, "HOME": str(log.parent)},
        )


def children(pid: int) -> list[int]:
    """All below it."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            if int(stat.read_text().rsplit(")", 1)[1].split()[1]) == pid:
                found.append(int(stat.parent.name))
    return found + [each for child in found for each in children(child)]


def send(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def gone(pids: Iterable[int], seconds: float = 10) -> None:
    """Waits until none of them runs."""
    ends = time.monotonic() + seconds
    for pid in pids:
        while _runs(pid):
            assert time.monotonic() < ends, f"process {pid} does not end"
            time.sleep(0.02)


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False
