"""Where the service's data lie: in a folder, or on a disk whose power can be cut and which can be made to fail.

The disk: nbdkit (`disk_plugin.py`, which keeps apart what was flushed; the filter `error`) → nbdfuse → a loop device →
ext4. A cut is kill -9 of nbdkit: at that moment the disk is gone for everyone above, and `durable` stays as it was.
What the volatile cache held is lost, or a part of it is not: sectors of 4096 bytes survive in any mixture that a real
disk may leave, as the seed says. Then the service is killed, everything above the disk is taken down and built anew.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from crash.disk_plugin import writes

PREFIX = "kdp-crash-campaign-"
SIZE = 96 << 20
# What a disk writes whole or not at all; ext4 relies on it for its superblock.
SECTOR = 4096
PLUGIN = Path(__file__).with_name("disk_plugin.py")
NEEDED = ("nbdkit", "nbdfuse", "losetup", "mount", "umount", "mkfs.ext4", "e2fsck")


class Folder:
    """A plain folder."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        self.data = folder / "data"
        self.outside = folder / "outside.jsonl"

    def begin(self, seeded: Path) -> None:
        """Takes over a sandbox's data; what phones received is kept outside of it, because it happened outside."""
        shutil.copytree(seeded, self.data)
        shutil.move(self.data / "outside.jsonl", self.outside)
        (self.data / "outside.jsonl").symlink_to(self.outside)

    def settle(self) -> None:
        """Everything up to now is durable."""

    def cut(self, own: random.Random) -> str:  # noqa: ARG002
        """A folder loses nothing."""
        return "kill -9"

    def again(self) -> None:
        """After a cut."""

    def end(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


class Disk(Folder):
    """See the module. `lies`: it confirms flushes without doing them. `errors`: settings of the filter."""

    def __init__(self, folder: Path, lies: bool = False) -> None:
        super().__init__(folder)
        self.lies = lies
        self.errors: tuple[str, ...] = ()
        self.mounted = folder / "mnt"
        self.device = folder / "dev"
        self.data = self.mounted / "data"
        self.broken = folder / "broken"
        self.loop = ""
        self.processes: list[subprocess.Popen[bytes]] = []
        for each in (self.mounted, self.device):
            each.mkdir()
        with (folder / "live").open("wb") as live:
            live.truncate(SIZE)
        _run("mkfs.ext4", "-q", "-F", "-b", "4096", str(folder / "live"))
        _copy(folder / "live", folder / "durable")
        (folder / "cache").write_bytes(b"")
        self._up()

    def settle(self) -> None:
        _run("sync", "-f", str(self.mounted))

    def fail(self) -> None:
        """From now on reads and writes fail, as `errors` says."""
        self.broken.write_bytes(b"")

    def mend(self) -> None:
        self.broken.unlink(missing_ok=True)

    def cut(self, own: random.Random) -> str:
        """The power is cut, mostly while something is on its way to the disk; says what became of that."""
        kit, cache = self.processes[0], self.folder / "cache"
        ends = time.monotonic() + own.choice((0, 0.2, 0.2))
        while time.monotonic() < ends and cache.stat().st_size == 0:
            time.sleep(0.0002)
        kit.kill()
        kit.wait()
        cached = writes(cache.read_bytes())
        if self.lies:
            # Such a disk has the cache of hours; all of it is lost.
            return f"all {len(cached)} cached writes lost"
        kept = total = 0
        share = own.choice((0.0, 0.0, 0.3, 0.7, 1.0))
        with (self.folder / "durable").open("r+b") as durable:
            for offset, data in cached:
                for at in range(0, len(data), SECTOR):
                    total += 1
                    if own.random() < share:
                        kept += 1
                        durable.seek(offset + at)
                        durable.write(data[at : at + SECTOR])
        return f"{total - kept} of {total} cached sectors lost"

    def again(self) -> None:
        """The machine starts again: what survived is checked, and mounted. The service was killed before."""
        self._down()
        self.mend()
        durable = self.folder / "durable"
        (self.folder / "cache").write_bytes(b"")
        code = subprocess.run(["e2fsck", "-p", str(durable)], capture_output=True, check=False).returncode
        if code > 1:
            done = subprocess.run(["e2fsck", "-fy", str(durable)], capture_output=True, text=True, check=False)
            if done.returncode > 1:
                raise RuntimeError(f"e2fsck cannot mend the filesystem: exit {done.returncode}: {done.stderr[-300:]}")
        _copy(durable, self.folder / "live")
        self._up()

    def lie(self) -> None:
        """From here on flushes are confirmed and not done."""
        self.settle()
        self._down()
        self.lies = True
        self._up()

    def end(self) -> None:
        self._down()
        super().end()

    def _up(self) -> None:
        socket, log = self.folder / "sock", (self.folder / "disk.log").open("ab")
        socket.unlink(missing_ok=True)
        with log:
            self.processes = [
                subprocess.Popen(
                    [
                        "nbdkit", "-f", "-U", str(socket), "--filter=error", "python", str(PLUGIN),
                        f"folder={self.folder}", f"lies={int(self.lies)}", f"error-file={self.broken}", *self.errors,
                    ],
                    stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                )
            ]  # fmt: skip
            _wait_for(socket.exists)
            self.processes.append(
                subprocess.Popen(
                    ["nbdfuse", str(self.device / "disk"), "--unix", str(socket)],
                    stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                )
            )  # fmt: skip
            _wait_for((self.device / "disk").exists)
        self.loop = _run("losetup", "-f", "--show", str(self.device / "disk")).strip()
        _run("mount", self.loop, str(self.mounted))

    def _down(self) -> None:
        _unmount(self.mounted)
        if self.loop:
            subprocess.run(["losetup", "-d", self.loop], capture_output=True, check=False)
            self.loop = ""
        _unmount(self.device)
        for process in self.processes:
            process.kill()
            process.wait()
        self.processes = []


def missing(folder: Path) -> list[str]:
    """What a disk needs and this machine does not have or allow, by name; it is found out by making one."""
    lacking = [f"the program {name}" for name in NEEDED if shutil.which(name) is None]
    if os.geteuid() != 0:
        lacking.append("the right to mount (root)")
    if not Path("/dev/fuse").exists():
        lacking.append("FUSE (/dev/fuse)")
    if not Path("/dev/loop-control").exists():
        lacking.append("loop devices (/dev/loop-control)")
    if lacking:
        return lacking
    try:
        Disk(folder / "probe").end()
    except (OSError, RuntimeError) as error:
        take_down(folder / "probe")
        lacking.append(str(error))
    return lacking


def sweep() -> None:
    """Ends what a run of before left behind that was killed itself; only what carries this campaign's name."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        owner = folder / "owner"
        with contextlib.suppress(OSError, ValueError):
            words = Path(f"/proc/{int(owner.read_text())}/cmdline").read_bytes()
            if b"crash_campaign" in words:
                continue
        take_down(folder)


def take_down(folder: Path) -> None:
    """Ends every process that names something below a folder, unmounts and detaches what is there, and removes it."""
    for process in _processes_naming(folder):
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    points = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    below = [each for each in points if each.startswith(f"{folder}/")]
    loops: list[str] = []
    if shutil.which("losetup"):
        attached = subprocess.run(["losetup", "-nO", "NAME,BACK-FILE"], capture_output=True, text=True, check=False)
        loops = [words[0] for line in attached.stdout.splitlines() if f"{folder}/" in line and (words := line.split())]
    for point in sorted((each for each in below if each.endswith("/mnt")), reverse=True):
        _unmount(Path(point))
    for loop in loops:
        subprocess.run(["losetup", "-d", loop], capture_output=True, check=False)
    for point in (each for each in below if each.endswith("/dev")):
        _unmount(Path(point))
    shutil.rmtree(folder, ignore_errors=True)


def _processes_naming(folder: Path) -> Iterable[int]:
    """Processes with that folder among their words: it has this run's random name."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with contextlib.suppress(OSError):
                if os.fsencode(folder) + b"/" in (entry / "cmdline").read_bytes():
                    yield int(entry.name)


def _unmount(point: Path) -> None:
    for extra in ((), (), (), ("-l",)):
        if not os.path.ismount(point) and str(point) not in Path("/proc/mounts").read_text():
            return
        if subprocess.run(["umount", *extra, str(point)], capture_output=True, check=False).returncode:
            time.sleep(0.2)


def _copy(source: Path, target: Path) -> None:
    _run("cp", "--sparse=always", str(source), str(target))


def _run(*words: str) -> str:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(words[:2])}: exit {done.returncode}: {done.stderr.strip()[:300]}")
    return done.stdout


def _wait_for(what: object) -> None:
    assert callable(what)
    for _ in range(200):
        if what():
            return
        time.sleep(0.02)
    raise RuntimeError("the disk did not come up")
