"""The same thing brought to both nodes at one moment, over and over: exactly one effect each time."""

from __future__ import annotations

import random
import re
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from case_code import other_than
from cluster.stand import Clients, Stand
from installation import SERVICE
from kdp_client import Caller, Line
from reply import Reply, is_fault, parse, read_fault, read_reply


class Pair:
    """A caller of each node, which send at one moment."""

    def __init__(self, stand: Stand) -> None:
        self.stand = stand
        self.clients: list[Clients] = [stand.world(node.public) for node in stand.nodes]
        self.callers: list[Caller] = [each.caller("bank", "shep") for each in self.clients]
        self.pool = ThreadPoolExecutor(2)
        self.gate = threading.Barrier(2)

    def close(self) -> None:
        self.pool.shutdown()
        for each in self.clients:
            each.line.close()

    def together(self, values: list[dict[str, str | None]], uins: list[str]) -> list[Reply]:
        """Signed before, sent at once, one to each node."""
        bodies = [
            caller.signed(caller.message(caller.fields(uin, [SERVICE], **each)))
            for caller, uin, each in zip(self.callers, uins, values, strict=True)
        ]

        def one(line: Line, body: bytes) -> bytes:
            self.gate.wait(timeout=30)
            return line.post(body).body

        lines = [caller.line for caller in self.callers]
        return [answered(body) for body in self.pool.map(one, lines, bodies)]


def answered(body: bytes) -> Reply:
    root = parse(body)
    assert not is_fault(root), f"a fault: {read_fault(root).faultstring}"
    return read_reply(root)


def told(replies: list[Reply]) -> str:
    return ", ".join(f"{each.status} {each.reason}" for each in replies)


# --- one round of each; each says what it came to ---------------------------------------------------


def one_ask(pair: Pair) -> str:
    """One verification token, one ask: both are given one token of one request."""
    uin = pair.stand.subject("manual").iin
    ovt = pair.callers[0].ovt(jti=f"{random.getrandbits(96):x}")
    replies = pair.together([{"omit_sms": "true", "ovt": ovt}] * 2, [uin] * 2)
    assert all(each.status == "VALID" for each in replies), told(replies)
    assert len({(each.token, each.request_id) for each in replies}) == 1, "one ask gave two tokens"
    return "one token, told twice"


def one_limit(pair: Pair) -> str:
    """One verification token for as many subjects as it may serve (1), and one more: exactly one is served."""
    uins = [pair.stand.subject("manual").iin for _ in range(2)]
    ovt = pair.callers[0].ovt(jti=f"{random.getrandbits(96):x}")
    replies = pair.together([{"omit_sms": "true", "ovt": ovt}] * 2, uins)
    words = sorted(each.status for each in replies)
    assert words == ["INVALID", "VALID"], told(replies)
    return "one subject served"


def one_request(pair: Pair) -> str:
    """One ask by SMS: one request, which both are told, and one SMS."""
    subject = pair.stand.subject("manual")
    replies = pair.together([{"omit_sms": "false", "method": "1"}] * 2, [subject.iin] * 2)
    assert all(each.status == "PENDING" for each in replies), told(replies)
    assert len({each.request_id for each in replies}) == 1, "one ask made two requests"
    await_sms(pair.stand, subject.msisdn or "")
    return "one request"


def one_code(pair: Pair) -> str:
    """After a wrong code, the right one at both nodes: one token. Or four wrong ones: two of them are judged, which
    closes the request, and the right one is too late."""
    subject = pair.stand.subject("reads-code")
    values: dict[str, str | None] = {"omit_sms": "false", "method": "5"}
    begun = alone(pair, values, subject.iin)
    assert begun.status == "PENDING", told([begun])
    code = re.findall(r"\bKOD (\d{6})\b", await_sms(pair.stand, subject.msisdn or ""))[0]
    values["request_id"] = begun.request_id
    first = {"code": other_than(code, 7)}
    # Until the service knows that 1414 took the SMS, nothing is judged.
    while (judged := alone(pair, values | first, subject.iin)).reason == "waiting":
        time.sleep(0.01)
    assert judged.reason == "code-wrong", told([judged])
    right = values | {"code": code}
    if random.random() < 0.5:
        replies = pair.together([right] * 2, [subject.iin] * 2)
        assert all(each.status == "VALID" for each in replies), told(replies)
        assert len({each.token for each in replies}) == 1, "one code gave two tokens"
        return "right: one token"
    words: Counter[str | None] = Counter()
    for step in (1, 3):
        wrong = [values | {"code": other_than(code, step + each)} for each in range(2)]
        words.update(each.reason for each in pair.together(wrong, [subject.iin] * 2))
    assert words == {"code-wrong": 1, "code-attempts": 3}, str(dict(words))
    late = alone(pair, right, subject.iin)
    assert late.reason == "code-attempts", told([late])
    return "wrong: three judged"


def alone(pair: Pair, values: dict[str, str | None], uin: str) -> Reply:
    """At one node."""
    caller = random.choice(pair.callers)
    return answered(caller.line.post(caller.signed(caller.message(caller.fields(uin, [SERVICE], **values)))).body)


def await_sms(stand: Stand, number: str) -> str:
    """The one SMS that a phone gets."""
    ends = time.monotonic() + 20
    while not (inbox := stand.phones.inbox(number)):
        assert time.monotonic() < ends, "no SMS in 20 s"
        time.sleep(0.01)
    return inbox[0]


@dataclass
class Raced:
    """What all rounds of one race came to."""

    rounds: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    seconds: float = 0


def race(stand: Stand, round_: Callable[[Pair], str], rounds: int, pairs: int = 3) -> Raced:
    """`pairs` of callers at the same time."""
    raced, lock = Raced(), threading.Lock()
    began = time.monotonic()

    def work() -> None:
        pair = Pair(stand)
        try:
            while True:
                with lock:
                    if raced.rounds >= rounds:
                        return
                    raced.rounds += 1
                try:
                    outcome = round_(pair)
                except AssertionError as error:
                    with lock:
                        raced.wrong.append(str(error))
                    continue
                with lock:
                    raced.outcomes[outcome] += 1
        finally:
            pair.close()

    threads = [threading.Thread(target=work) for _ in range(pairs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    raced.seconds = time.monotonic() - began
    return raced


def doubled(stand: Stand, since: int) -> int:
    """SMS beyond one for each request, among those handed over since."""
    counts = Counter(sms.id for sms in stand.phones.sent[since:])
    return sum(count - 1 for count in counts.values())
