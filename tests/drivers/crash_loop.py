#!/usr/bin/env python3
"""Nothing that was answered is lost: `python crash_loop.py [--kdp BINARY] [--rounds 50]`.

Each round loads the sandbox with grants and asks, ends it by kill -9 at a random moment, starts it
again on the same data and holds everything that was received against it. Exit 1 on any violation.
"""

from __future__ import annotations

import argparse
import http.client
import itertools
import random
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from kdp_client import Caller, Line, World
from reply import Reply, is_fault, parse, read_fault, read_reply
from sandbox import Sandbox, Subject, default_binary

# These neither answer by themselves nor are out of reach, so that their requests stay PENDING.
WAITING = ("silent", "late", "manual", "reads-code")
CUT_OFF = (OSError, http.client.HTTPException)


@dataclass(frozen=True)
class Grant:
    """One ask of method 2, to be repeated word for word."""

    uin: str
    services: tuple[str, ...]
    ovt: str

    def send(self, caller: Caller) -> Reply:
        return unverified(caller, caller.fields(self.uin, list(self.services), omit_sms="true", ovt=self.ovt))


@dataclass(frozen=True)
class Promise:
    """A PENDING answer: this request is known, and its SMS arrives."""

    subject: Subject
    services: tuple[str, ...]
    marker: str
    request_id: str


@dataclass
class Ledger:
    """Everything that was received, and every violation."""

    tokens: dict[Grant, str] = field(default_factory=dict)
    request_ids: dict[Grant, str] = field(default_factory=dict)
    promises: list[Promise] = field(default_factory=list)
    markers: dict[tuple[str, tuple[str, ...]], set[str]] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)
    refused: dict[str, int] = field(default_factory=dict)
    lost_answers: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def violation(self, text: str) -> None:
        with self.lock:
            self.violations.append(text)
        print(f"VIOLATION {text}", flush=True)

    def token(self, grant: Grant, reply: Reply) -> None:
        """Keeps the first token of an ask and insists on it ever after."""
        with self.lock:
            known = self.tokens.setdefault(grant, reply.token)
            self.request_ids.setdefault(grant, reply.request_id)
        if known != reply.token:
            self.violation("one (BIN, IIN, ovt) gave two different tokens")


def unverified(caller: Caller, values: dict[str, str | None]) -> Reply:
    """Without the answer's signature: main_job.py proves those, here the client must be fast."""
    answer = caller.line.post(caller.signed(caller.message(values)))
    root = parse(answer.body)
    if is_fault(root):
        raise AssertionError(read_fault(root).faultstring)
    return read_reply(root)


class Load:
    """Threads that ask until the server dies."""

    def __init__(self, world: World, ledger: Ledger, grants: list[Grant], marks: itertools.count[int]) -> None:
        self.world = world
        self.ledger = ledger
        self.fresh = iter(grants)
        self.asks = iter(self._asks(marks))
        self.sent: list[Grant] = []
        self.stopping = threading.Event()

    def _asks(self, marks: itertools.count[int]) -> list[tuple[Subject, tuple[str, ...], str]]:
        """Each (subject, set of services) once a round, so that each is a request of its own."""
        services = self.world.services
        sets = [subset for size in range(1, len(services) + 1) for subset in itertools.combinations(services, size)]
        pairs = [(self.world.sandbox.subject(behaviour), subset) for behaviour in WAITING for subset in sets]
        random.shuffle(pairs)
        return [(subject, subset, f"mark{next(marks):06}x") for subject, subset in pairs[:60]]

    def run(self, seconds: float, grant_threads: int, ask_threads: int) -> None:
        threads = [threading.Thread(target=self._work, args=(self._grant,)) for _ in range(grant_threads)]
        threads += [threading.Thread(target=self._work, args=(self._ask,)) for _ in range(ask_threads)]
        for thread in threads:
            thread.start()
        time.sleep(seconds)
        self.world.sandbox.kill()
        self.stopping.set()
        for thread in threads:
            thread.join()

    def _work(self, step: Callable[[Caller], bool]) -> None:
        line = Line(self.world.sandbox.port)
        caller = self.world.caller("bank", random.choice(("shep", "bank")), line)
        try:
            while not self.stopping.is_set() and step(caller):
                pass
        except CUT_OFF as error:
            # After kill -9 these are expected; before it none is.
            if self.world.sandbox.process.poll() is None and not self.stopping.wait(1):
                self.ledger.violation(f"a call failed on a live server: {error!r}")
            with self.ledger.lock:
                self.ledger.lost_answers += 1
        except Exception as error:  # an answer came, and it is not what it must be
            self.ledger.violation(f"a wrong answer: {type(error).__name__}: {error}")
        finally:
            line.close()

    def _grant(self, caller: Caller) -> bool:
        with self.ledger.lock:
            again = bool(self.sent) and random.random() < 0.15
            grant = random.choice(self.sent[-8:]) if again else next(self.fresh, None)
            if grant is not None and not again:
                self.sent.append(grant)
        if grant is None:
            return False
        reply = grant.send(caller)
        if reply.status == "VALID":
            self.ledger.token(grant, reply)
        else:
            self._count(reply)
        return True

    def _ask(self, caller: Caller) -> bool:
        with self.ledger.lock:
            ask = next(self.asks, None)
            if ask is not None:
                self.ledger.markers.setdefault((ask[0].iin, ask[1]), set()).add(ask[2])
        if ask is None:
            return False
        subject, services, marker = ask
        method = "5" if subject.behaviour == "reads-code" else "1"
        values = caller.fields(subject.iin, list(services), omit_sms="false", method=method, personal_data_name=marker)
        reply = unverified(caller, values)
        if reply.status == "PENDING":
            with self.ledger.lock:
                self.ledger.promises.append(Promise(subject, services, marker, reply.request_id))
        else:
            self._count(reply)
        return True

    def _count(self, reply: Reply) -> None:
        with self.ledger.lock:
            key = f"{reply.info_code} {reply.status} {reply.reason}"
            self.ledger.refused[key] = self.ledger.refused.get(key, 0) + 1
        self.ledger.violation(f"an ask of the load was not granted: {key}")


def hold(world: World, ledger: Ledger, grants: list[Grant], promises: list[Promise]) -> None:
    """After the restart: every token again, every request known, every SMS there."""
    caller = world.through_shep
    for grant in grants:
        reply = grant.send(caller)
        if reply.status != "VALID":
            ledger.violation(f"a received token is not given again: {reply.brief()}")
        else:
            ledger.token(grant, reply)
    for promise in promises:
        reply = unverified(
            caller,
            caller.fields(promise.subject.iin, list(promise.services), request_id=promise.request_id),
        )
        if reply.status != "PENDING":
            ledger.violation(f"a request that was PENDING is now {reply.brief()}")
    missing = wait_for_sms(world, ledger, promises)
    for promise in missing:
        ledger.violation(f"the SMS of a promised request is missing ({promise.subject.behaviour})")


def wait_for_sms(world: World, ledger: Ledger, promises: list[Promise]) -> list[Promise]:
    """What did not arrive within ten seconds of real time and then a minute of the sandbox clock."""
    missing = list(promises)
    for attempt in range(21):
        texts = {
            number: "\n".join(world.sandbox.inbox(number)) for number in {each.subject.msisdn or "" for each in missing}
        }
        missing = [
            each
            for each in missing
            if not any(
                mark in texts[each.subject.msisdn or ""] for mark in ledger.markers[each.subject.iin, each.services]
            )
        ]
        if not missing:
            break
        if attempt == 19:
            world.sandbox.advance("PT1M")
        else:
            time.sleep(0.5)
    return missing


def last_look(world: World, ledger: Ledger) -> int:
    """At the end, every token of every round by its request id, and how many SMS came twice."""
    caller = world.through_shep
    for grant, token in ledger.tokens.items():
        reply = unverified(
            caller,
            caller.fields(grant.uin, list(grant.services), request_id=ledger.request_ids[grant]),
        )
        if reply.data.get("code") != token:
            ledger.violation(f"a token of an earlier round is lost: {reply.brief()}")
    checked = next(iter(ledger.tokens), None)
    if checked is not None:
        reply = caller.reply(
            caller.line.post(
                caller.signed(
                    caller.message(
                        caller.fields(checked.uin, list(checked.services), request_id=ledger.request_ids[checked])
                    )
                )
            )
        )
        if reply.data.get("code") != ledger.tokens[checked]:
            ledger.violation("the first token of the run differs at the end")
    numbers = {each.subject.msisdn or "" for each in ledger.promises}
    inboxes = {number: world.sandbox.inbox(number) for number in numbers}
    copies = (sum(each.marker in text for text in inboxes[each.subject.msisdn or ""]) for each in ledger.promises)
    return sum(max(0, count - 1) for count in copies)


def fresh_grants(world: World, count: int) -> list[Grant]:
    """Signed before the load begins, so that the load is the server's and not the client's."""
    caller = world.through_shep
    subjects = [world.sandbox.subject(behaviour).iin for behaviour in ("yes", "no", "twice")]
    return [
        Grant(
            random.choice(subjects),
            tuple(world.services[: random.randint(1, len(world.services))]),
            caller.ovt(jti=f"{time.time_ns()}-{at}"),
        )
        for at in range(count)
    ]


def main() -> int:
    arguments = argparse.ArgumentParser(description="kill -9 in a loop")
    arguments.add_argument("--kdp", type=Path, default=None, help="the binary (default: the newer of target/*/kdp)")
    arguments.add_argument("--rounds", type=int, default=50)
    arguments.add_argument("--grants", type=int, default=600, help="fresh ovt prepared for a round")
    arguments.add_argument("--seed", type=int, default=None, help="for the moments of kill")
    chosen = arguments.parse_args()
    binary = chosen.kdp or default_binary()
    random.seed(chosen.seed)
    ledger, marks, starts = Ledger(), itertools.count(1), []
    with tempfile.TemporaryDirectory(prefix="kdp-crash-loop-") as folder:
        data, log = Path(folder) / "data", Path(folder) / "log"
        sandbox = Sandbox(binary, data, log)
        try:
            for number in range(1, chosen.rounds + 1):
                # Ends what waits from the round before, so that every ask is a request of its own.
                sandbox.advance("PT16M")
                world = World(sandbox, data)
                load = Load(world, ledger, fresh_grants(world, chosen.grants), marks)
                promised, granted = len(ledger.promises), len(ledger.tokens)
                seconds = random.uniform(0.3, 1.5)
                load.run(seconds, grant_threads=5, ask_threads=2)
                sandbox = Sandbox(binary, data, log)
                starts.append(sandbox.start_seconds)
                world = World(sandbox, data)
                hold(world, ledger, list(ledger.tokens)[granted:], ledger.promises[promised:])
                world.line.close()
                print(
                    f"round {number}: killed after {seconds:.2f} s, {len(ledger.tokens) - granted} tokens, "
                    f"{len(ledger.promises) - promised} promises, ready again in {starts[-1]:.2f} s",
                    flush=True,
                )
            world = World(sandbox, data)
            duplicates = last_look(world, ledger)
            code, _ = sandbox.stop()
            if code != 0:
                ledger.violation(f"exit code {code} after SIGTERM")
        finally:
            sandbox.__exit__()
    print(
        f"{chosen.rounds} kills; {len(ledger.tokens)} tokens, {len(ledger.promises)} promised SMS, "
        f"{duplicates} duplicate SMS, {ledger.lost_answers} answers cut off, "
        f"slowest start {max(starts, default=0):.2f} s; {len(ledger.violations)} violations"
    )
    return 1 if ledger.violations or not ledger.tokens or not ledger.promises else 0


if __name__ == "__main__":
    raise SystemExit(main())
