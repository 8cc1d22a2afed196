"""A disk with a volatile cache, for nbdkit's Python plugin: what was not flushed is lost when the power is cut.

    nbdkit python disk_plugin.py folder=DIR [lies=1]

`DIR/live` is what the machine sees, `DIR/durable` what survives, `DIR/cache` every write since the last flush, in
order: offset and length (eight bytes each, big-endian), then the data. A flush brings the cache to `durable`.
It takes FLUSH seconds, so that many cuts fall into one. With `lies=1` it is only said to be done: the control by which
the checker shows that it can fail.
"""

from __future__ import annotations

import os
import struct
import time
from pathlib import Path

API_VERSION = 2
FLUSH = 0.003
HEAD = struct.Struct(">QQ")
_settings: dict[str, str] = {}


def config(key: str, value: str) -> None:
    _settings[key] = value


def open(readonly: bool) -> dict[str, int]:  # noqa: ARG001 (names that nbdkit gives)
    folder = Path(_settings["folder"])
    names = ("live", "durable", "cache")
    return {name: os.open(folder / name, os.O_RDWR | os.O_CREAT) for name in names}


def get_size(files: dict[str, int]) -> int:
    return os.fstat(files["live"]).st_size


def pread(files: dict[str, int], buffer: bytearray, offset: int, flags: int) -> None:  # noqa: ARG001
    buffer[:] = os.pread(files["live"], len(buffer), offset)


def pwrite(files: dict[str, int], buffer: bytearray, offset: int, flags: int) -> None:  # noqa: ARG001
    os.lseek(files["cache"], 0, os.SEEK_END)
    os.write(files["cache"], HEAD.pack(offset, len(buffer)) + bytes(buffer))
    os.pwrite(files["live"], buffer, offset)


def flush(files: dict[str, int], flags: int) -> None:  # noqa: ARG001
    time.sleep(FLUSH)
    if _settings.get("lies") == "1":
        return
    for offset, data in writes(os.pread(files["cache"], os.fstat(files["cache"]).st_size, 0)):
        os.pwrite(files["durable"], data, offset)
    os.ftruncate(files["cache"], 0)


def writes(cache: bytes) -> list[tuple[int, bytes]]:
    """The writes of a cache; one that was cut off at its end is left out."""
    found, at = [], 0
    while at + HEAD.size <= len(cache):
        offset, length = HEAD.unpack_from(cache, at)
        at += HEAD.size
        if at + length > len(cache):
            break
        found.append((offset, cache[at : at + length]))
        at += length
    return found
