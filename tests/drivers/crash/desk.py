"""A client of all services on one connection, which tells a clear refusal from a wrong answer.

Answers are read strictly; their signatures are not verified here (`main_job.py` does), so that the client is fast.
"""

from __future__ import annotations

import http.client
from datetime import datetime, timedelta

from command import Command
from crash.ledger import Ledger
from envelope import Wrapper
from kdp_client import Answer, Caller, Line, World
from reply import Reply, SoapFault, is_fault, parse, read_fault, read_reply
from service_client import PD, Answered, Parties, Party, Tree, all_accesses, read

CUT_OFF = (OSError, http.client.HTTPException)
# What the service says when it cannot do its work now: nothing was promised.
OURS = {"SCE909", "KDP503", "SCSE003"}
GATEWAY = "shep"


class Refused(Exception):
    """The service said clearly that it did not do it; the code."""


class Desk:
    """`ledger` gets the decision ids of all answers; `line`: another one than to the sandbox."""

    def __init__(self, world: World, command: Command, ledger: Ledger, line: Line | None = None) -> None:
        self.world = world
        self.command = command
        self.ledger = ledger
        self.line = line or Line(world.sandbox.port)
        self.parties = Parties(world, self.line)
        self._callers: dict[str, Caller] = {}

    def close(self) -> None:
        self.line.close()

    def caller(self, name: str) -> Caller:
        if name not in self._callers:
            self._callers[name] = self.world.caller(name, GATEWAY, self.line)
        return self._callers[name]

    def ask(self, name: str, uin: str, services: list[str], values: dict[str, str | None]) -> Reply:
        caller = self.caller(name)
        answer = caller.line.post(caller.signed(caller.message(caller.fields(uin, services, **values))))
        root = parse(answer.body)
        if is_fault(root):
            raise _failure(read_fault(root))
        reply = read_reply(root)
        _settled(answer, reply.info_code)
        with self.ledger.lock:
            self.ledger.decisions.add(reply.data["decision_id"])
        return reply

    def call(self, party: Party, service: str, payload: Tree) -> Answered:
        """One of the other services; its answer is valid against its schema."""
        personal = service == "KDP_PERSONALDATA"
        answer = (
            party.post(service, payload, namespace=PD, wrapper=Wrapper.SEND_MESSAGE_REQUEST)
            if personal
            else party.post(service, payload)
        )
        root = parse(answer.body)
        if is_fault(root):
            raise _failure(read_fault(root))
        answered = read(root, service)
        _settled(answer, answered.code)
        assert answered.code == "SCSS001", answered.brief()
        return answered

    def check(self, code: str, service: str) -> Answered:
        return self.call(self.parties.owner, "KDP_CHECK_TOKEN", [("code", code), ("service_id", service)])

    def accesses(self, uin: str, start: datetime, end: datetime) -> list[dict[str, str]]:
        """All of a period, both ends included."""
        second = timedelta(seconds=1)
        return all_accesses(self.parties.egov, uin, start - second, end + second)


def _failure(fault: SoapFault) -> Exception:
    code = fault.error_code or "no code"
    return Refused(code) if code in OURS else AssertionError(f"the fault {fault.faultstring}")


def _settled(answer: Answer, code: str) -> None:
    if code in OURS:
        raise Refused(code)
    assert answer.http_status == 200, f"HTTP {answer.http_status} with {code}"
