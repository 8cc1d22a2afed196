"""The offline check of a security token from Python, by ctypes. `kdp_verifier.h` says what each value means.

    verifier = Verifier("libkdp_verifier.so")
    finding = verifier.check(token, jwks, status_list, uin="800101399015", service="GBDFLUniversal_token",
                             at=time.time())
    if finding.verdict == VALID: hand the data over

As a program: python3 kdp_verifier.py LIBRARY TOKEN JWKS STATUS_LIST|- UIN SERVICE
"""

from __future__ import annotations

import ctypes
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

VALID, REFUSED, UNUSABLE, REVOCATION_UNKNOWN = range(4)


class Bytes(ctypes.Structure):
    """kdp_bytes. What it points to must live as long as it."""

    _fields_ = [("data", ctypes.c_char_p), ("len", ctypes.c_size_t)]


class Question(ctypes.Structure):
    """kdp_question."""

    _fields_ = [
        ("size", ctypes.c_size_t),
        *((name, Bytes) for name in ("token", "jwks", "status_list", "uin", "service", "bin", "lang")),
        *((name, ctypes.c_int64) for name in ("at", "leeway", "list_max_age")),
    ]


@dataclass(frozen=True)
class Finding:
    """One of the four numbers, and what is told: personal data if the token held."""

    verdict: int
    told: dict[str, Any]


class Verifier:
    """The library of this path."""

    def __init__(self, path: str | Path) -> None:
        library = ctypes.CDLL(str(path))
        self._verify = library.kdp_token_verify
        self._verify.restype = ctypes.c_int32
        self._verify.argtypes = [
            ctypes.POINTER(Question),
            ctypes.c_char_p,
            ctypes.c_size_t,
            ctypes.POINTER(ctypes.c_size_t),
        ]
        library.kdp_verifier_version.restype = ctypes.c_char_p
        self.version: str = library.kdp_verifier_version().decode()

    def check(
        self,
        token: bytes,
        jwks: bytes,
        status_list: bytes | None,
        *,
        uin: str,
        service: str,
        at: float,
        bin_of_initiator: str | None = None,
        leeway: int = 120,
        list_max_age: int | None = None,
        lang: str = "ru",
    ) -> Finding:
        """Only `VALID` is a yes."""
        # Kept until the call is over: the record holds but their addresses.
        parts = [_bytes(part) for part in (token, jwks, status_list, uin, service, bin_of_initiator, lang)]
        question = Question(
            ctypes.sizeof(Question),
            *parts,
            int(at),
            leeway,
            -1 if list_max_age is None else list_max_age,
        )
        room = 16384
        while True:
            out, told_len = ctypes.create_string_buffer(room), ctypes.c_size_t()
            verdict = self._verify(ctypes.byref(question), out, room, ctypes.byref(told_len))
            if told_len.value < room:
                return Finding(verdict, json.loads(out.raw[: told_len.value]))
            room = told_len.value + 1


def _bytes(value: bytes | str | None) -> Bytes:
    if value is None:
        return Bytes(None, 0)
    octets = value.encode() if isinstance(value, str) else value
    return Bytes(octets, len(octets))


def main() -> int:
    library, token, jwks, status_list, uin, service = sys.argv[1:]
    read = [Path(path).read_bytes() if path != "-" else None for path in (token, jwks, status_list)]
    finding = Verifier(library).check(*read, uin=uin, service=service, at=time.time(), lang="en")
    print(json.dumps(finding.told, ensure_ascii=False))
    return finding.verdict


if __name__ == "__main__":
    sys.exit(main())
