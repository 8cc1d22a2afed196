"""The kinds of things that are answered, and how each is held against the service after a crash.

| answered | held |
|---|---|
| a token | word for word the same ask gives the same bytes under the same request id (methods 2, 3, 4); the request id gives the same bytes; its owner is not told `unknown` |
| PENDING, and what came of it | the request is known, a token that was given is given again, a no stays a no |
| the verdict on a one-time code | counted: three wrong ones close the request for the right one too, however often the service was killed between |
| a check by an owner | stands in the log that the subject sees, at its time |
| an application for revocation | has the state that was answered, and its token is as that state says |
| a block, a freeze, and their ends | hold: a new ask is refused by name, or granted again |
| a directory entry registered by command | is listed |
"""  # noqa: E501 (a table)

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from crash.desk import Desk
from reply import Reply
from service_client import Answered, claims_of, jti_of

TRIES = 3
Values = dict[str, "str | None"]


def _brief(reply: Reply) -> str:
    return f"{reply.info_code} {reply.status} {reply.reason}"


def has_ended(desk: Desk, token: str) -> bool:
    """Whether a token is past its end, by the service's clock."""
    return int(claims_of(token)["exp"]) <= desk.world.sandbox.now().timestamp()


@dataclass
class Token:
    """A token that was received."""

    who: str
    uin: str
    services: list[str]
    values: Values
    method: int
    request_id: str
    token: str
    kind: str = "token"

    def __post_init__(self) -> None:
        self.kind = f"token, method {self.method}"

    def hold(self, desk: Desk, fresh: bool) -> str | None:
        if fresh and self.method in {2, 3, 4}:
            reply = desk.ask(self.who, self.uin, self.services, self.values)
            if reply.status != "VALID":
                return f"a received token of method {self.method} is not given again: {_brief(reply)}"
            if (reply.token, reply.request_id) != (self.token, self.request_id):
                return f"one ask of method {self.method} gave two tokens"
        if not fresh or self.method in {1, 5}:
            reply = desk.ask(self.who, self.uin, self.services, {"request_id": self.request_id, "omit_sms": "false"})
            if reply.reason == "token-expired" and has_ended(desk, self.token):
                return None
            if reply.data.get("code") != self.token:
                return f"the request of a received token of method {self.method} gives {_brief(reply)}"
        told = desk.check(self.token, self.services[0]).must("status")
        return None if told in {"active", "expired"} else f"a received token is {told} to its owner"


@dataclass
class Asked:
    """A request that was answered as PENDING (method 1), and the last that was told about it."""

    who: str
    uin: str
    services: list[str]
    request_id: str
    last: tuple[str, str | None, str | None] = ("PENDING", None, None)
    kind: str = "PENDING, method 1"

    def repeat(self, desk: Desk) -> str | None:
        """Asks again; a violation when it contradicts what was told."""
        reply = desk.ask(self.who, self.uin, self.services, {"request_id": self.request_id, "omit_sms": "false"})
        now = (reply.status, reply.reason, reply.data.get("code"))
        was, self.last = self.last, now
        if reply.reason == "request-unknown" or reply.status in {"ERROR", "NOT_FOUND"}:
            return f"a request that was PENDING is now {_brief(reply)}"
        if reply.reason == "token-expired" and was[2] is not None and has_ended(desk, was[2]):
            self.last = was
            return None
        if was[0] != "PENDING" and now != was:
            return f"a request that ended as {was[0]} {was[1]} is now {_brief(reply)}, or its token is another"
        return None

    def hold(self, desk: Desk, fresh: bool) -> str | None:  # noqa: ARG002
        return self.repeat(desk)


@dataclass
class Code:
    """A request of method 5 whose SMS was read: the guesses that were judged."""

    who: str
    uin: str
    services: list[str]
    request_id: str
    code: str
    # Verdicts of wrong guesses that were received, and guesses whose verdicts never came.
    judged: int = 0
    unheard: int = 0
    closed: bool = False
    # The right one was sent; its answer may have been lost.
    righted: bool = False
    # The last one was not judged.
    waiting: bool = False
    token: str | None = None
    kind: str = "verdict on a code"
    verdicts: list[str] = field(default_factory=list)

    def bring(self, desk: Desk, code: str) -> Reply:
        return desk.ask(
            self.who,
            self.uin,
            self.services,
            {"request_id": self.request_id, "omit_sms": "false", "method": "5", "code": code},
        )

    def guess(self, desk: Desk) -> str | None:
        """A wrong code; a violation when more wrong ones were judged than may be."""
        self.unheard += 1
        reply = self.bring(desk, f"{(int(self.code) + 1 + self.judged) % 1_000_000:06}")
        self.unheard -= 1
        self.waiting = reply.reason == "waiting"
        if self.waiting:
            # The phone has the SMS, the service does not know yet that 1414 took it: nothing was judged.
            return None
        self.verdicts.append(f"{reply.status} {reply.reason}")
        if reply.reason == "code-wrong" and reply.status == "PENDING":
            self.judged += 1
            if self.judged >= TRIES or self.closed:
                return f"wrong code number {self.judged} got another attempt: {self.verdicts}"
            return None
        if reply.reason != "code-attempts":
            return f"a wrong code got {_brief(reply)}: {self.verdicts}"
        if self.judged + self.unheard < TRIES - 1 and not self.closed:
            return f"closed after {self.judged + 1} wrong codes and {self.unheard} unheard: {self.verdicts}"
        self.closed = True
        return None

    def right(self, desk: Desk) -> str | None:
        """The right code; a violation when it is worth more, or less, than the guesses before it leave."""
        self.righted = True
        reply = self.bring(desk, self.code)
        self.waiting = reply.reason == "waiting" and not self.closed
        if self.waiting:
            return None
        told = f"after {self.judged} wrong codes the right one got {_brief(reply)}: {self.verdicts}"
        if reply.reason == "code-attempts":
            # Guesses whose verdicts were lost may have been counted.
            known = self.closed or self.judged + self.unheard >= TRIES
            self.closed = True
            return None if known else told
        if reply.reason == "token-expired" and self.token is not None and has_ended(desk, self.token):
            return None
        if self.closed or reply.status != "VALID":
            return told
        if self.token not in {None, reply.token}:
            return "one request of method 5 gave two tokens"
        self.token = reply.token
        return None

    def hold(self, desk: Desk, fresh: bool) -> str | None:
        if not fresh:
            # A request without an end has expired by now, and its code with it.
            return self.right(desk) if self.closed or self.token else None
        # Every second one is guessed to its end, the others get what is right.
        if not self.righted and not self.closed and self.request_id[-1] in "02468ace":
            for _ in range(TRIES):
                wrong = self._judged(desk, self.guess)
                if wrong or self.closed:
                    break
            if wrong is None and not self.closed:
                wrong = f"{TRIES} wrong codes after the restart did not close it: {self.verdicts}"
            if wrong:
                return wrong
        return self._judged(desk, self.right)

    def _judged(self, desk: Desk, bring: Callable[[Desk], str | None]) -> str | None:
        """An SMS that 1414 took while nothing could be written is handed over again: until then nothing is judged."""
        for attempt in range(15):
            wrong = bring(desk)
            if wrong or not self.waiting:
                return wrong
            if attempt == 9:
                desk.world.sandbox.advance("PT1M")
            time.sleep(0.1)
        return "a code is not judged though its SMS arrived"


@dataclass
class Access:
    """A check of a token that was answered."""

    uin: str
    token: str
    checked_at: str
    status: str
    kind: str = "access"

    def hold(self, desk: Desk, fresh: bool) -> str | None:
        if not fresh:
            return None
        moment = datetime.fromisoformat(self.checked_at)
        rows = [
            row
            for row in desk.accesses(self.uin, moment, moment)
            if row["kind"] == "access" and row["token_id"] == jti_of(self.token) and row["when"] == self.checked_at
        ]
        return None if rows else f"an answered check ({self.status}) is no access in the log of its subject"


@dataclass
class Application:
    """An application for revocation; several states while the answer to a decision is missing."""

    application: str
    token: str
    service: str
    states: set[str]
    kind: str = "revocation"

    def hold(self, desk: Desk, fresh: bool) -> str | None:  # noqa: ARG002
        answered: Answered = desk.call(desk.parties.egov, "KDP_REVOKE", [("application_id", self.application)])
        came = answered.must("state")
        if came not in self.states:
            return f"an application for revocation is {came}, but {sorted(self.states)} was answered"
        self.states = {came}
        told = desk.check(self.token, self.service).must("status")
        due = {"approved": "not-active"}.get(came, "active")
        return None if told == due else f"the token of an application that is {came} is {told} to its owner"


@dataclass
class Standing:
    """Whether a subject is blocked, or frozen, as the last command that ended well left it."""

    uin: str
    # The reason of a new ask; two while a command did not end.
    states: set[str]
    ask: Callable[[Desk], Reply]
    kind: str = "block or freeze"

    def hold(self, desk: Desk, fresh: bool) -> str | None:  # noqa: ARG002
        reply = self.ask(desk)
        came = reply.reason or ""
        if came not in self.states:
            return f"a subject that was left {sorted(self.states)} answers {_brief(reply)}"
        self.states = {came}
        return None


@dataclass
class Registered:
    """Directory entries that a command registered."""

    entries: set[str] = field(default_factory=set)
    kind: str = "registration"

    def hold(self, desk: Desk, fresh: bool) -> str | None:  # noqa: ARG002
        listed = {each["id"] for each in desk.command.json("directory", "list")}
        missing = self.entries - listed
        return f"{len(missing)} registered directory entries are not listed" if missing else None
