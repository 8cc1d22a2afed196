"""Verifies answers of the peers with their own verifier, `load/verify_response.py` of their folder (in PYTHONPATH).

usage: verify.py DATA KIND SAMPLES    KIND: issue | check

SAMPLES holds a request and its answer in turn, each after a line with its length in bytes.
"""

import sys
from collections.abc import Iterator

import verify_response


def messages(path: str) -> Iterator[bytes]:
    with open(path, "rb") as file:
        while length := file.readline():
            yield file.read(int(length))


def main() -> None:
    data, kind, path = sys.argv[1:]
    both = messages(path)
    for number, (request, answer) in enumerate(zip(both, both, strict=True)):
        if why := verify_response.check(answer, data, kind, request):
            sys.exit(f"answer {number} is not right: {why}")


main()
