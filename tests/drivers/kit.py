#!/usr/bin/env python3
"""The offline kit for owners: `python kit.py --library libkdp_verifier.so --static libkdp_verifier.a`.

The vectors of `fixtures/token/vectors.json` through the library for C, called from Python and from the example in C,
which is compiled here with the checks of addresses and of undefined behaviour; what callers get wrong; and by PyJWT
and zlib, which share no code with it, which signatures hold and what the lists say. Needs cc, c++ and nm. A line each;
exit 1 if one does not hold. (`kdp token verify` has its run in `tests/token_verify.rs`.)
"""

from __future__ import annotations

import argparse
import base64
import ctypes
import json
import subprocess
import sys
import tempfile
import tomllib
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
from check import Checks

ROOT = Path(__file__).resolve().parents[2]
KIT = ROOT / "deploy" / "verifier"
sys.path.insert(0, str(KIT))

from kdp_verifier import REFUSED, REVOCATION_UNKNOWN, UNUSABLE, VALID, Bytes, Finding, Question, Verifier  # noqa: E402

#: Judged before the signature, or instead of it: another library need not agree.
BEFORE = ("token-unreadable", "token-malformed", "token-algorithm", "keys-", "question-")
SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g"]
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror"]
NEEDED = ["-lpthread", "-ldl", "-lm"]


@dataclass(frozen=True)
class Vector:
    """One of the file, complete."""

    name: str
    code: str
    token: bytes
    jwks: bytes
    status_list: bytes | None
    said: dict[str, Any]

    @property
    def number(self) -> int:
        """What the library answers, which is the exit code of the command."""
        return self.said["exit"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--library", type=Path, required=True)
    parser.add_argument("--static", type=Path, required=True)
    arguments = parser.parse_args()
    checks, known = Checks(), vectors()
    checks.topic("shared library")
    verifier = Verifier(arguments.library.resolve())
    with checks.case("it exports its two functions and nothing else"):
        exported = run(["nm", "-D", "--defined-only", arguments.library]).stdout.split("\n")
        names = {line.split()[-1] for line in exported if line}
        assert names == {"kdp_token_verify", "kdp_verifier_version"}, f"{sorted(names)}"
    with checks.case("what it is built from are the versions of the service"):
        locks = [tomllib.loads((folder / "Cargo.lock").read_text()) for folder in (KIT, ROOT)]
        kit, service = ({(each["name"], each["version"]) for each in lock["package"]} for lock in locks)
        strays = {name for name, _ in kit - service} - {"kdp-verifier"}
        assert not strays, f"cd deploy/verifier && cargo update --workspace, or by hand: {sorted(strays)}"
    by_python(checks, verifier, known)
    checks.topic("callers that are wrong")
    misuse(checks, verifier, known[0])
    checks.topic("C")
    with tempfile.TemporaryDirectory(prefix="kdp-kit-") as folder:
        by_c(checks, arguments.static.resolve(), known, Path(folder))
        as_pasted(checks, arguments.library.resolve().parent, known[0], Path(folder))
    checks.topic("by another library")
    oracle(checks, known)
    return checks.summary()


def vectors() -> list[Vector]:
    whole = json.loads((ROOT / "fixtures" / "token" / "vectors.json").read_bytes())

    def complete(case: dict[str, Any]) -> Vector:
        said = whole["default"] | case
        status_list = octets(whole["lists"][said["list"]]) if said["list"] else None
        jwks = octets(whole["jwks"][said["jwks"]])
        return Vector(said["name"], said["code"], octets(said["token"]), jwks, status_list, said)

    return [complete(case) for case in whole["cases"]]


def octets(content: str | dict[str, Any]) -> bytes:
    if isinstance(content, str):
        return content.encode()
    if "base64" in content:
        return base64.b64decode(content["base64"], validate=True)
    return content["repeat"].encode() * content["times"]


def run(command: list[str | Path]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)


# --- the vectors -----------------------------------------------------------------------------------


def asked(verifier: Verifier, vector: Vector, lang: str = "en") -> Finding:
    said = vector.said
    return verifier.check(
        vector.token,
        vector.jwks,
        vector.status_list,
        uin=said["uin"],
        service=said["service"],
        at=said["at"],
        bin_of_initiator=said["bin"],
        leeway=said["leeway"],
        list_max_age=said["list_max_age"],
        lang=lang,
    )


def by_python(checks: Checks, verifier: Verifier, known: list[Vector]) -> None:
    with checks.case(f"{len(known)} vectors by ctypes: number, code and whether it is valid"):
        for vector in known:
            finding = asked(verifier, vector)
            found = (finding.verdict, finding.told["code"], finding.told["valid"], finding.told["error"] is None)
            valid = {VALID: True, REVOCATION_UNKNOWN: None}.get(vector.number, False)
            assert found == (vector.number, vector.code, valid, valid is not False), f"{vector.name}: {found}"
    with checks.case("only a token that the service signed is told of"):
        for vector in known:
            told = asked(verifier, vector).told
            unsigned = vector.code.startswith((*BEFORE, "token-signature", "token-key-unknown", "token-kind"))
            assert (told["claims"] is None) == unsigned, vector.name
    with checks.case("eight threads at once find the same"), ThreadPoolExecutor(8) as threads:
        found = threads.map(lambda vector: asked(verifier, vector).verdict, known * 4)
        assert list(found) == [vector.number for vector in known] * 4
    with checks.case("the texts are in the language that was asked for, Russian when none was"):
        texts = {lang: asked(verifier, known[0], lang).told["text"] for lang in ("kk", "ru", "en", "", "xx")}
        assert len(set(texts.values())) == 3 and texts["ru"] == texts[""] == texts["xx"], f"{texts}"


def by_c(checks: Checks, static: Path, known: list[Vector], folder: Path) -> None:
    program = folder / "example"
    with checks.case("the example compiles without a warning, and the header in C++ too"):
        flags = ["-std=c11", *WARNINGS, *SANITIZERS, "-I", KIT]
        run(["cc", *flags, "-o", program, KIT / "example.c", static, *NEEDED])
        run(["c++", "-std=c++11", *WARNINGS, "-fsyntax-only", "-x", "c++", KIT / "kdp_verifier.h"])

    def judged(numbered: tuple[int, Vector]) -> str | None:
        number, vector = numbered
        said, parts = vector.said, {"token": vector.token, "jwks": vector.jwks, "list": vector.status_list}
        paths = {name: folder / f"{number}.{name}" for name in parts}
        for name, content in parts.items():
            if content is not None:
                paths[name].write_bytes(content)
        age = -1 if said["list_max_age"] is None else said["list_max_age"]
        words = [paths["token"], paths["jwks"], paths["list"] if vector.status_list is not None else "-", said["uin"],
                 said["service"], said["bin"] or "-", str(said["at"]), str(said["leeway"]), str(age)]
        ended = subprocess.run([program, *words], capture_output=True, timeout=60, check=False)
        if ended.returncode != vector.number or ended.stderr:
            return f"{vector.name}: {ended.returncode} {ended.stderr.decode(errors='replace')[:200]}"
        return None if json.loads(ended.stdout)["code"] == vector.code else f"{vector.name}: {ended.stdout!r}"

    with checks.case(f"{len(known)} vectors by the example: exit code, code, no finding of the sanitizers"):
        with ThreadPoolExecutor(2) as threads:
            wrong = [told for told in threads.map(judged, enumerate(known)) if told]
        assert not wrong, f"{len(wrong)}: {wrong[0]}"


def as_pasted(checks: Checks, target: Path, sound: Vector, folder: Path) -> None:
    """The commands of the README, but for the build: that of the library under test is taken, and a time at its end."""

    def commands(name: str) -> list[str]:
        lines = (KIT / name).read_text(encoding="utf-8").splitlines()
        return [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]

    with checks.case("the commands of the README work, and both languages show the same"):
        english = commands("README.md")
        assert english == commands("README.ru.md"), "the commands differ"
        build, compiles, example, python = english
        assert build.startswith("cargo build --release "), build
        for name, content in [("token.jwt", sound.token), ("jwks.json", sound.jwks)]:
            (folder / name).write_bytes(content)
        (folder / "status.jwt").write_bytes(sound.status_list or b"")
        (folder / "target").mkdir()
        (folder / "target" / "release").symlink_to(target)
        (folder / "deploy").symlink_to(ROOT / "deploy")
        for command, due in [(compiles, 0), (f"{example} - {sound.said['at']}", VALID), (python, REFUSED)]:
            ended = subprocess.run(
                ["bash", "-c", command], cwd=folder, capture_output=True, text=True, timeout=60, check=False
            )
            assert ended.returncode == due and not ended.stderr, f"{command}: {ended.returncode} {ended.stderr}"
        # Python goes by the clock, and the vectors by theirs.
        assert json.loads(ended.stdout)["code"] in {"token-expired", "token-not-yet-valid"}, ended.stdout


# --- callers ---------------------------------------------------------------------------------------


class Call:
    """A call whose every value can be put wrong."""

    def __init__(self, verifier: Verifier, vector: Vector) -> None:
        self.verify = verifier._verify
        said = vector.said
        self.parts = {"token": vector.token, "jwks": vector.jwks, "status_list": vector.status_list or b"",
                      "uin": said["uin"].encode(), "service": said["service"].encode()}
        self.question = Question(size=ctypes.sizeof(Question), at=said["at"], leeway=120, list_max_age=-1)
        for name, value in self.parts.items():
            setattr(self.question, name, Bytes(value, len(value)))

    def put(self, **values: object) -> Call:
        for name, value in values.items():
            setattr(self.question, name, value)
        return self

    def __call__(self, room: int = 16384) -> tuple[int, bytes, int]:
        """The number, what was written with the octets behind it, and the length told."""
        behind = b"\xaa" * 16
        memory = ctypes.create_string_buffer(b"\xaa" * room + behind, room + len(behind))
        told_len = ctypes.c_size_t(12345)
        number = self.verify(ctypes.byref(self.question), memory, room, ctypes.byref(told_len))
        assert memory.raw[room:] == behind, "written beyond the end"
        return number, memory.raw[:room], told_len.value


def misuse(checks: Checks, verifier: Verifier, sound: Vector) -> None:
    def code(call: Call) -> tuple[int, str]:
        number, written, told_len = call()
        return number, json.loads(written[:told_len])["code"]

    assert code(Call(verifier, sound)) == (VALID, "valid")
    nothing, huge = Bytes(None, 0), ctypes.c_size_t(-1).value
    malformed, unreadable = (UNUSABLE, "question-malformed"), (UNUSABLE, "token-unreadable")
    for title, values, due in [
        ("no token", {"token": nothing}, malformed),
        ("no keys", {"jwks": nothing}, malformed),
        ("no subject", {"uin": nothing}, malformed),
        ("no service", {"service": nothing}, malformed),
        ("an empty service", {"service": Bytes(b"", 0)}, malformed),
        ("a subject that is no UTF-8", {"uin": Bytes(b"\xff" * 12, 12)}, malformed),
        ("an empty BIN", {"bin": Bytes(b"", 0)}, malformed),
        ("a token of no octets", {"token": Bytes(b"", 0)}, unreadable),
        ("a token of a length without octets", {"token": Bytes(None, 7)}, unreadable),
        ("a token longer than memory", {"token": Bytes(b"x", huge)}, unreadable),
        ("keys longer than memory", {"jwks": Bytes(b"x", huge)}, (UNUSABLE, "keys-malformed")),
        ("a list of no octets", {"status_list": Bytes(b"", 0)}, (REFUSED, "list-malformed")),
        ("a list of a length without octets", {"status_list": Bytes(None, 7)}, (REFUSED, "list-malformed")),
        ("a list longer than memory", {"status_list": Bytes(b"x", huge)}, (REFUSED, "list-malformed")),
        ("no list", {"status_list": nothing}, (REVOCATION_UNKNOWN, "revocation-unknown")),
        ("an age of -2", {"list_max_age": -2}, malformed),
        ("an endless age", {"list_max_age": 2**63 - 1}, (VALID, "valid")),
        ("a leeway beyond all bounds", {"leeway": 2**63 - 1}, malformed),
        ("the end of time", {"at": 2**63 - 1}, (REFUSED, "token-expired")),
        ("the beginning of time", {"at": -(2**63)}, (REFUSED, "token-not-yet-valid")),
        ("a record of another size", {"size": ctypes.sizeof(Question) - 8}, malformed),
        ("a record of no size", {"size": 0}, malformed),
    ]:
        with checks.case(f"{title}: {due[1]}"):
            found = code(Call(verifier, sound).put(**values))
            assert found == due, f"{found}"
    with checks.case("no record at all, and one at an odd address: a no"):
        call, room = Call(verifier, sound), ctypes.create_string_buffer(1000)
        assert call.verify(None, room, 1000, None) == UNUSABLE
        assert json.loads(room.value)["code"] == "question-malformed"
        shifted = ctypes.create_string_buffer(b"\0" + bytes(call.question))
        odd = ctypes.cast(ctypes.addressof(shifted) + 1, ctypes.POINTER(Question))
        assert call.verify(odd, room, 1000, None) == UNUSABLE
    with checks.case("what does not fit is not written, and the number stays"):
        _, _, told_len = Call(verifier, sound)()
        for room in (0, 1, told_len - 1, told_len):
            number, written, length = Call(verifier, sound)(room)
            assert (number, length) == (VALID, told_len), f"{room}: {number}, {length}"
            assert not room or written == b"\0" + b"\xaa" * (room - 1), f"{room}: something was written"
        number, written, length = Call(verifier, sound)(told_len + 1)
        assert written.endswith(b"}\0") and json.loads(written[:length])["valid"] is True
        call = Call(verifier, sound)
        assert call.verify(ctypes.byref(call.question), None, 16384, None) == VALID


# --- another library -------------------------------------------------------------------------------


def oracle(checks: Checks, known: list[Vector]) -> None:
    with checks.case("PyJWT agrees which tokens are signed by the keys, where it comes to that"):
        seen = 0
        for vector in known:
            if not vector.code.startswith(BEFORE):
                # What is wrong with the rest is found after the signature held.
                due = vector.code not in {"token-signature", "token-key-unknown"}
                assert holds(vector.token, vector.jwks) == due, vector.name
                seen += 1
        assert seen > 100, f"{seen} tokens"
    with checks.case("and which lists"):
        seen = 0
        for vector in known:
            if vector.code.startswith(("list-signature", "list-key-unknown")):
                assert not holds(vector.status_list or b"", vector.jwks), vector.name
                seen += 1
            elif vector.code in {"valid", "revoked", "suspended", "under-review", "list-stale", "list-expired"}:
                assert holds(vector.status_list or b"", vector.jwks), vector.name
                seen += 1
        assert seen > 30, f"{seen} lists"
    with checks.case("PyJWT refuses what is refused for its algorithm"):
        for vector in known:
            if vector.code == "token-algorithm":
                assert not holds(vector.token, vector.jwks), vector.name
    with checks.case("zlib reads the same standing out of the lists"):
        words = {"valid": 0, "revoked": 1, "suspended": 2, "under-review": 3}
        due = [vector for vector in known if vector.code in words and vector.status_list]
        assert len(due) > 20
        for vector in due:
            said = claims_of(vector.status_list or b"")
            place = claims_of(vector.token.strip())["status"]["status_list"]
            entries = zlib.decompress(decoded(said["status_list"]["lst"]))
            assert said["sub"] == place["uri"], vector.name
            assert entries[place["idx"] // 4] >> place["idx"] % 4 * 2 & 3 == words[vector.code], vector.name


def holds(compact: bytes, jwks: bytes) -> bool:
    """Whether one of the RSA keys that verify RS256, and are in question by its kid, signed it."""
    keys = [key for key in json.loads(jwks)["keys"] if key["kty"] == "RSA" and usable(key)]
    try:
        header = jwt.get_unverified_header(compact.strip())
        named = [key for key in keys if key.get("kid") == header["kid"]] if "kid" in header else keys
        return any(signed(compact.strip(), jwt.PyJWK(key, "RS256")) for key in named if fits(header, key))
    except jwt.InvalidTokenError:
        return False


def usable(key: dict[str, Any]) -> bool:
    return key.get("use", "sig") == "sig" and key.get("alg", "RS256") == "RS256" and "key_ops" not in key


def fits(header: dict[str, Any], key: dict[str, Any]) -> bool:
    """A key in the token is one of ours, or the token is nobody's."""
    return "x5c" not in header and header.get("jwk", key)["n"] == key["n"]


def signed(compact: bytes, key: jwt.PyJWK) -> bool:
    try:
        jwt.PyJWS().decode_complete(compact, key, algorithms=["RS256"])
    except jwt.InvalidTokenError:
        return False
    return True


def claims_of(compact: bytes) -> dict[str, Any]:
    return json.loads(decoded(compact.decode().split(".")[1]))


def decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


if __name__ == "__main__":
    sys.exit(main())
