"""The load of the crash campaign on a cluster: everything that is acknowledged, by the balancer and by each node."""

from __future__ import annotations

import http.client
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from cluster.stand import Stand
from command import Command
from crash.desk import CUT_OFF, Desk, Refused
from crash.fact import Application
from crash.ledger import Ledger
from crash.load import Load, by_token
from reply import Reply


class Traffic(Load):
    """Revoked tokens are looked at over and over, at either node: none may be told as active once that was answered."""

    grants = (("bank", 2, "OTP"),)
    askers = ("bank",)

    def __init__(self, stand: Stand, ledger: Ledger, number: int, own: random.Random) -> None:
        # Whoever was asked about before may have a request that lives on.
        world = stand.world(subjects=stand.crowd())
        super().__init__(world, Command(stand.binary, stand.service), ledger, number, own, tolerant=True)
        self.stand = stand
        self.looked = 0

    def begin(self, workers: int) -> None:
        self.start(workers, commands=False)
        for node in self.stand.nodes:
            self._thread(self._watch, random.Random(f"{node.name}/{self.random.random()}"))

    def steps(self) -> list[tuple[Callable[[Desk, random.Random], None], int]]:
        return [
            (self.grant, 5), (self.again, 1), (self.question, 3), (self.collect, 1), (self.look, 3), (self.revoke, 2),
        ]  # fmt: skip

    def _watch(self, own: random.Random) -> None:
        """Asks one node and the other about tokens whose revocation was answered."""
        desks = [Desk(self.stand.world(node.public), self.command, self.ledger) for node in self.stand.nodes]
        while not self.stopping.wait(0.05):
            with self.ledger.lock:
                facts = [fact for fact in self.ledger.fresh if isinstance(fact, Application)]
                over = [fact for fact in facts if fact.states == {"approved"}]
            if not over:
                continue
            fact, desk = own.choice(over), own.choice(desks)
            try:
                told = desk.check(fact.token, fact.service).must("status")
            except Refused as refused:
                self.ledger.refusal(str(refused))
                continue
            except CUT_OFF:
                desk.close()
                continue
            except AssertionError as error:
                self.ledger.violation(f"a wrong answer to a check: {error}")
                continue
            if told != "not-active":
                self.ledger.violation(f"a revoked token is told as {told}")
            with self.ledger.lock:
                self.looked += 1
        for desk in desks:
            desk.close()


@dataclass
class Probe:
    """Grants, one after the other, by the balancer: when they succeed, and how long an answer takes at most."""

    stand: Stand
    ledger: Ledger
    successes: list[float] = field(default_factory=list)
    slowest: float = 0
    stopping: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        world = self.stand.world()
        command = Command(self.stand.binary, self.stand.service)
        uin = self.stand.subject("manual").iin
        while not self.stopping.wait(0.1):
            desk = Desk(world, command, self.ledger)
            began = time.monotonic()
            try:
                if self.grant(desk, uin).status == "VALID":
                    self.successes.append(began)
            except (Refused, OSError, http.client.HTTPException):
                pass
            except AssertionError as error:
                self.ledger.violation(f"a wrong answer to a grant: {error}")
            finally:
                self.slowest = max(self.slowest, time.monotonic() - began)
                desk.close()

    def grant(self, desk: Desk, uin: str) -> Reply:
        return desk.ask("bank", uin, desk.world.services, by_token(desk, "bank", 2, "OTP"))

    def after(self, moment: float) -> float | None:
        """Seconds from then to the first grant that was begun after it and succeeded."""
        return next((at - moment for at in self.successes if at > moment), None)

    def longest_gap(self, moment: float) -> float:
        """Seconds between two grants that succeeded, the second of them begun after the moment; the longest such."""
        pairs = zip(self.successes, self.successes[1:], strict=False)
        return max((later - earlier for earlier, later in pairs if later > moment), default=0.0)

    def stop(self) -> None:
        self.stopping.set()
        self._thread.join()
