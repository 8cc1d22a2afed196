"""The checks that need no service: what the database holds once, and what 1414 was handed."""

from __future__ import annotations

import uuid
from collections import Counter

from cluster.stand import Stand
from crash.ledger import Ledger

#: What is there once: counted by the values, whatever an index says.
ONCE = (
    ("live requests of one (BIN, IIN, services)", "SELECT live FROM access_request WHERE live IS NOT NULL"),
    ("tokens with one id", "SELECT jti FROM access_request WHERE jti IS NOT NULL"),
    ("tokens at one place of the status list", "SELECT idx FROM access_request WHERE idx IS NOT NULL"),
    ("tokens of one ovt, IIN and services", "SELECT (until, ovt, subject, services) FROM ovt_use"),
    ("requests that two ovt gave", "SELECT request FROM ovt_use"),
    ("open applications for one token", "SELECT request FROM revocation WHERE state = 'open'"),
)


class Rows:
    """What `crash.checker` takes for the records of a service: here those of PostgreSQL, asked at its leader."""

    def __init__(self, stand: Stand, ledger: Ledger) -> None:
        self.stand, self.ledger = stand, ledger

    def hold(self) -> None:
        for what, rows in ONCE:
            sql = (
                f"SELECT count(*) FROM (SELECT 1 FROM ({rows}) AS every(one) GROUP BY one HAVING count(*) > 1) AS more"
            )
            doubled = self.stand.members.ask("SET enable_indexscan = off; SET enable_indexonlyscan = off; " + sql)[-1][
                0
            ]
            if int(doubled):
                self.ledger.violation(f"two {what}: {doubled} times")
        self._decisions()
        self._sms()

    def _decisions(self) -> None:
        """Each decision that was answered stands in the journal."""
        kept = {
            row[0]
            for row in self.stand.members.ask("SELECT encode(decision, 'hex') FROM journal WHERE decision IS NOT NULL")
        }
        lost = [each for each in self.ledger.decisions if uuid.UUID(each).hex not in kept]
        self.ledger.held["decision in the journal"] += len(self.ledger.decisions)
        if lost:
            self.ledger.violation(f"of the decisions answered, {len(lost)} are not in the journal")

    def _sms(self) -> None:
        """One ask has one SMS, under the id of its request; handed over again under that id is counted, and allowed."""
        ids: dict[str, set[str]] = {}
        for sms in self.stand.phones.sent:
            for word in sms.text.split():
                if (mark := word.strip(".,;:!?\"'()")) in self.ledger.marks and sms.id.endswith("-ask"):
                    ids.setdefault(mark, set()).add(sms.id.removesuffix("-ask"))
        for mark, requests in ids.items():
            answered = self.ledger.marks[mark]
            if len(requests) > 1 or (answered is not None and requests != {answered}):
                self.ledger.violation("one ask sent two SMS under different ids")
        counts = Counter(sms.id for sms in self.stand.phones.sent)
        self.ledger.repeated_sms = sum(count - 1 for count in counts.values())

    def missing_sms(self) -> set[str]:
        """Requests that were answered as PENDING and whose SMS is not there."""
        sent = {sms.id.removesuffix("-ask") for sms in self.stand.phones.sent if sms.id.endswith("-ask")}
        return self.ledger.promised - sent
