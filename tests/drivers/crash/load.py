"""Load on everything that is acknowledged: all five methods, checks, revocations, codes, commands, at once."""

from __future__ import annotations

import itertools
import random
import re
import subprocess
import threading
import time
import uuid
from collections.abc import Callable
from functools import partial
from typing import Any

from command import Command, Done
from crash.desk import CUT_OFF, Desk, Refused
from crash.fact import Access, Application, Asked, Code, Registered, Standing, Token, Values
from crash.ledger import Ledger
from kdp_client import World
from reply import Reply
from service_client import Tree, approve, jti_of, refuse

# Who asks by methods 2, 3 and 4, and with which mark of consent.
GRANTS = (("bank", 2, "OTP"), ("clinic", 2, "OTP"), ("akimat", 3, "BIO"), ("clinic", 3, "DS"), ("stat", 4, "NONE"))
ASKERS = ("bank", "clinic", "akimat", "stat")
# One question at a time is answered by a bare yes or no; the others may have many.
ANSWERS = ("yes", "no", "garbage-then-yes")
WAITS = ("silent", "late", "manual", "reads-code")
# Only these are revoked, blocked or frozen: what is known of the others stays as it is.
REVOKED, BLOCKED, FROZEN = "shared-phone", "twice", "fraud"
MOST_ASKS = 40


class Load:
    """One cycle of it, by its number. `tolerant`: clear refusals are no violations, because the disk fails then."""

    grants = GRANTS
    askers = ASKERS

    def __init__(
        self, world: World, command: Command, ledger: Ledger, number: int, own: random.Random, *, tolerant: bool
    ) -> None:
        self.world = world
        self.command = command
        self.ledger = ledger
        self.random = own
        self.tolerant = tolerant
        self.stopping = threading.Event()
        self.marks = itertools.count(number * 1000)
        held = {each["iin"] for each in world.sandbox.info["holds"]}
        # Whom the world's own requests concern answers by those.
        held |= {each["iin"] for each in world.sandbox.info["requests"]}
        self.subjects = [each for each in world.sandbox.subjects if each.msisdn and each.iin not in held]
        self.plain = [each.iin for each in self.subjects if each.behaviour in {*ANSWERS, *WAITS}]
        self.asks = iter(self._asks())
        self.tokens: list[Token] = []
        self.asked: list[Asked] = []
        self.threads: list[threading.Thread] = []

    def _asks(self) -> list[tuple[str, str, str, list[str], str]]:
        """(who, IIN, number, services, method): each a request of its own."""
        found = []
        for subject in self.subjects:
            if subject.behaviour not in {*ANSWERS, *WAITS}:
                continue
            for who in self.askers:
                services = self.usable(who, 1)
                sets = [list(each) for n in (1, 2) for each in itertools.combinations(services, n)]
                methods = ("1",) if who == "stat" or subject.behaviour in ANSWERS else ("1", "5")
                found += [(who, subject, each, self.random.choice(methods)) for each in sets]
        self.random.shuffle(found)
        asks, answered = [], set()
        for who, subject, services, method in found:
            if subject.behaviour in ANSWERS:
                if subject.iin in answered:
                    continue
                answered.add(subject.iin)
            asks.append((who, subject.iin, subject.msisdn or "", services, method))
        return asks[:MOST_ASKS]

    def start(self, workers: int = 5, commands: bool = True) -> None:
        for number in range(workers):
            self._thread(self._work, random.Random(self.random.random() + number))
        if commands:
            self._thread(self._administer, random.Random(self.random.random()))

    def _thread(self, what: Callable[[random.Random], None], own: random.Random) -> None:
        thread = threading.Thread(target=what, args=(own,), daemon=True)
        self.threads.append(thread)
        thread.start()

    def stop(self) -> None:
        """After the service was killed, or before it is stopped."""
        self.stopping.set()
        for thread in self.threads:
            thread.join()

    # --- one thread ---------------------------------------------------------------------------------

    def _work(self, own: random.Random) -> None:
        steps = self.steps()
        what, weights = [each for each, _ in steps], [weight for _, weight in steps]
        desk = Desk(self.world, self.command, self.ledger)
        try:
            while not self.stopping.is_set():
                try:
                    own.choices(what, weights)[0](desk, own)
                except Refused as refused:
                    self.ledger.refusal(str(refused))
                    if not self.tolerant and not self._is_over():
                        self.ledger.violation(f"refused with {refused} though nothing fails")
                    self.stopping.wait(0.02)
                except CUT_OFF as error:
                    with self.ledger.lock:
                        self.ledger.cut_off += 1
                    if self._is_over():
                        return
                    if not self.tolerant:
                        self.ledger.violation(f"a call failed on a live service: {error!r}")
                    desk.close()
        except Exception as error:  # an answer came, and it is not what it must be
            self.ledger.violation(f"a wrong answer: {type(error).__name__}: {error}")
        finally:
            desk.close()

    def _is_over(self) -> bool:
        """Whether the service ended, by us or by itself; its end may show on the connection first."""
        sandbox = self.world.sandbox
        return sandbox.ending or sandbox.process.poll() is not None or self.stopping.wait(1)

    # --- what it does -------------------------------------------------------------------------------

    def steps(self) -> list[tuple[Callable[[Desk, random.Random], None], int]]:
        """Each with how often it is done among the others."""
        return [
            (self.grant, 5), (self.again, 1), (self.question, 3), (self.collect, 1), (self.look, 2), (self.revoke, 1),
        ]  # fmt: skip

    def grant(self, desk: Desk, own: random.Random) -> None:
        """Methods 2, 3 and 4."""
        who, method, mcheck = own.choice(self.grants)
        usable = self.usable(who, method)
        services = own.sample(usable, own.randint(1, len(usable)))
        uin = own.choice(self.plain)
        self._granted(desk, who, uin, services, by_token(desk, who, method, mcheck), method=method)

    def _granted(self, desk: Desk, who: str, uin: str, services: list[str], values: Values, *, method: int) -> None:
        try:
            reply = desk.ask(who, uin, services, values)
        except (Refused, *CUT_OFF):
            with self.ledger.lock:
                self.ledger.unsure.append(lambda later: _twice(later, who, uin, services, values))
            raise
        if reply.status != "VALID":
            raise AssertionError(f"an ask of method {method} is {reply.status} {reply.reason}")
        token = Token(who, uin, services, values, method, reply.request_id, reply.token)
        self.ledger.add(token)
        with self.ledger.lock:
            self.tokens.append(token)

    def usable(self, who: str, method: int) -> list[str]:
        """What this initiator may ask for and `owner` may check; by method 3 what its proactive service is for."""
        services = [each for each in self.world.sandbox.peers[who].services if each in self.world.services]
        if method == 3:
            allowed = proactive(self.world, who).get("services", services[:1])
            services = [each for each in services if each in allowed]
        return services

    def again(self, desk: Desk, own: random.Random) -> None:
        """The same ask word for word."""
        with self.ledger.lock:
            known = self.tokens[-12:]
        if not known:
            return
        token = own.choice(known)
        reply = desk.ask(token.who, token.uin, token.services, token.values)
        if reply.data.get("code") != token.token:
            self.ledger.violation(f"one ask of method {token.method} gave two tokens, or none: {reply.reason}")

    def question(self, desk: Desk, own: random.Random) -> None:
        """Methods 1 and 5."""
        with self.ledger.lock:
            ask = next(self.asks, None)
        if ask is None:
            return self.grant(desk, own)
        who, uin, number, services, method = ask
        mark = self._mark()
        with self.ledger.lock:
            self.ledger.marks[mark] = None
        reply = desk.ask(who, uin, services, {"omit_sms": "false", "method": method, "personal_data_name": mark})
        if reply.status == "VALID":
            # A yes of an earlier cycle that nobody had collected: no new SMS, and the token is that request's.
            return None
        if reply.status != "PENDING":
            raise AssertionError(f"an ask of method {method} is {reply.status} {reply.reason}")
        with self.ledger.lock:
            self.ledger.marks[mark] = reply.request_id
            self.ledger.promised.add(reply.request_id)
        if method == "1":
            asked = Asked(who, uin, services, reply.request_id)
            self.ledger.add(asked)
            with self.ledger.lock:
                self.asked.append(asked)
            return None
        return self._guess(desk, own, number, mark, Code(who, uin, services, reply.request_id, ""))

    def _guess(self, desk: Desk, own: random.Random, number: str, mark: str, code: Code) -> None:
        """Reads the code from the phone; none, one or two wrong guesses, then perhaps the right one."""
        for _ in range(20):
            found = [text for text in self.world.sandbox.inbox(number) if mark in text]
            if found:
                break
            if self.stopping.wait(0.1):
                return
        else:
            return
        code.code = re.findall(r"\bKOD (\d{6})\b", found[0])[0]
        self.ledger.add(code)
        for _ in range(own.randint(0, 3)):
            if wrong := code.guess(desk):
                self.ledger.violation(wrong)
            with self.ledger.lock:
                self.ledger.answered["guess judged"] += 1
        if own.random() < 0.3 and (wrong := code.right(desk)):
            self.ledger.violation(wrong)

    def collect(self, desk: Desk, own: random.Random) -> None:
        """What came of a question."""
        with self.ledger.lock:
            asked = own.choice(self.asked) if self.asked else None
        if asked is None:
            return
        # Two at once would compare with each other's last; the whole is short.
        mine = Asked(asked.who, asked.uin, asked.services, asked.request_id)
        if wrong := mine.repeat(desk):
            self.ledger.violation(wrong)
        with self.ledger.lock:
            if asked.last[0] == "PENDING":
                asked.last = mine.last
            elif mine.last[0] != "PENDING" and mine.last != asked.last:
                self.ledger.violations.append(f"{self.ledger.doing}: one request ended in two ways")

    def look(self, desk: Desk, own: random.Random) -> None:
        """An owner checks a token."""
        with self.ledger.lock:
            known = self.tokens[-20:]
        token = own.choice(known) if known else None
        if token is None:
            return
        told = desk.check(token.token, token.services[0])
        self.ledger.add(Access(token.uin, token.token, told.must("checked_at"), told.must("status")))

    def revoke(self, desk: Desk, own: random.Random) -> None:
        """A token, an application to revoke it, and perhaps the decision."""
        uin = own.choice([each.iin for each in self.subjects if each.behaviour == REVOKED])
        services = self.world.services
        # Later than every revocation of the load, so that each ask is granted.
        values = by_token(desk, "bank", 2, "OTP", iat=int(self.world.sandbox.now().timestamp()) + 60)
        reply = desk.ask("bank", uin, services, values)
        if reply.status != "VALID":
            raise AssertionError(f"an ask of the load is {reply.status} {reply.reason}")
        filing: Tree = [("uin", uin), ("token_id", jti_of(reply.token)), ("applicant", "subject")]
        filed = desk.call(desk.parties.egov, "KDP_REVOKE", filing).must("application_id")
        fact = Application(filed, reply.token, services[0], {"open"})
        self.ledger.add(fact)
        decide = own.choice((approve, refuse, None))
        if decide is not None:
            # Until it is answered, either is right.
            fact.states = {"open", "approved" if decide is approve else "refused"}
            fact.states = {desk.call(desk.parties.bank, "KDP_SEND_SOLUTION", decide(filed)).must("state")}
            with self.ledger.lock:
                self.ledger.answered["decision on a revocation"] += 1

    # --- commands -----------------------------------------------------------------------------------

    def _administer(self, own: random.Random) -> None:
        """Blocks, freezes and registrations, one command after the other."""
        facts = [each for each in self.ledger.earlier if isinstance(each, Standing)]
        for behaviour, verb, reason in ((BLOCKED, "block", "subject-blocked"), (FROZEN, "freeze", "subject-frozen")):
            uin = next(each.iin for each in self.subjects if each.behaviour == behaviour)
            fact = next((each for each in facts if each.uin == uin), None)
            if fact is None:
                fact = Standing(uin, {"granted"}, partial(probe, uin))
                self.ledger.add(fact)
            due, undo = ({reason}, "") if "granted" in fact.states else ({"granted"}, "un")
            if self.stopping.is_set():
                return
            fact.states |= due
            if self._command("subject", undo + verb, uin):
                fact.states = due
                with self.ledger.lock:
                    self.ledger.answered["block or freeze"] += 1
        if own.random() < 0.5 and not self.stopping.is_set():
            self._register()

    def _command(self, *words: str) -> bool:
        """Whether a command ended well."""
        try:
            done = self.command.run(*words)
        except subprocess.TimeoutExpired:
            done = Done(-1, "", "no end in a minute")
        if done.code != 0 and (not self.tolerant or "Usage:" in done.err):
            self.ledger.violation(f"kdp {' '.join(words[:2])}: exit {done.code}: {done.err.strip()[:200]}")
        return done.code == 0

    def _register(self) -> None:
        registered = next((each for each in self.ledger.earlier if isinstance(each, Registered)), None)
        if registered is None:
            registered = Registered()
            self.ledger.add(registered)
        entry = f"dir-{self._mark()}"
        done = self._command(
            "directory", "add", entry, "--bin", self.world.sandbox.peers["bank"].bin or "", "--name-kk", "Несие",
            "--name-ru", "Кредит", "--services", self.world.services[0], "--period", "10d", "--storage", "365d",
            "--processing", "10d", "--storage-ground", "ГК 178", "--personal-data", "ФИО",
        )  # fmt: skip
        if done:
            with self.ledger.lock:
                registered.entries.add(entry)
                self.ledger.answered["registration"] += 1

    def _mark(self) -> str:
        """Never given before; it stands in an SMS as it is."""
        with self.ledger.lock:
            return f"mark{next(self.marks)}x"


def by_token(desk: Desk, who: str, method: int, mcheck: str, **claims: object) -> Values:
    """A new ask by methods 2, 3 or 4."""
    token = desk.caller(who).ovt(mcheck=mcheck, jti=uuid.uuid4().hex, **claims)
    values: Values = {"omit_sms": "true", "ovt": token}
    info = desk.world.sandbox.info
    if method in {3, 4}:
        values["method"] = str(method)
        values["ground_id"] = next(
            each["id"] for each in info["grounds"] if method in each["methods"] and not each.get("valid_until")
        )
    if method == 3:
        values["proactive_code"] = proactive(desk.world, who)["code"]
    return values


def proactive(world: World, who: str) -> dict[str, Any]:
    """Its first proactive service that is in force."""
    bin_ = world.sandbox.peers[who].bin
    own = [each for each in world.sandbox.info["proactive"] if each["bin"] == bin_ and not each.get("valid_until")]
    return dict(own[0])


def probe(uin: str, desk: Desk) -> Reply:
    """Whether this subject may be asked about."""
    return desk.ask("bank", uin, desk.world.services[:1], by_token(desk, "bank", 2, "OTP"))


def _twice(desk: Desk, who: str, uin: str, services: list[str], values: Values) -> str | None:
    """An ask whose answer was cut off: whatever became of it, asking twice gives one token."""
    replies = [desk.ask(who, uin, services, values) for _ in range(2)]
    if any(each.status != "VALID" for each in replies):
        return f"an ask whose answer was cut off is {replies[0].status} {replies[0].reason}"
    if replies[0].token != replies[1].token:
        return "an ask whose answer was cut off gave two tokens"
    return None


def run_for(load: Load, seconds: float) -> None:
    """Lets it run; ends early when the service did."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends and load.world.sandbox.process.poll() is None:
        time.sleep(0.01)
