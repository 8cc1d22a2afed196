"""The checks that need no service: the database file, the journal's chain counted anew, and what phones received."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from crash.ledger import Ledger

GENESIS = bytes(32)
COLUMNS = (
    "seq", "at", "kind", "operator", "decision", "sender", "message_id", "message", "service", "request", "subject",
    "outcome", "detail",
)  # fmt: skip
# What an index promises, counted without it.
ONCE = (
    ("live requests of one (BIN, IIN, services)", "SELECT live FROM access_request NOT INDEXED WHERE live NOT NULL"),
    ("tokens with one id", "SELECT jti FROM access_request NOT INDEXED WHERE jti NOT NULL"),
    ("tokens at one place of the status list", "SELECT idx FROM access_request NOT INDEXED WHERE idx NOT NULL"),
    ("requests with one id", "SELECT id FROM access_request NOT INDEXED"),
    ("tokens of one ovt, IIN and services", "SELECT until || hex(ovt) || subject || hex(services) FROM ovt_use"),
    ("requests that two ovt gave", "SELECT request FROM ovt_use"),
    ("open applications for one token", "SELECT request FROM revocation NOT INDEXED WHERE state = 'open'"),
)


@dataclass
class Records:
    """What was seen of the files so far: the journal only grows."""

    database: Path
    outside: Path
    ledger: Ledger
    seq: int = 0
    chain: bytes = GENESIS
    journal: int = 0
    # Requests that were found lost; told once.
    lost: set[str] = field(default_factory=set)

    def hold(self, whole: bool = False) -> None:
        """Every check; `whole`: the journal from its first record, not from the last that was seen."""
        with reading(self.database) as database:
            self._sound(database)
            self._journal(database, whole)
            self._decisions(database)
            self._sms(database)

    def _sound(self, database: sqlite3.Connection) -> None:
        for pragma in ("integrity_check", "foreign_key_check"):
            rows = [row[0] for row in database.execute(f"PRAGMA {pragma}")]
            if rows not in ([], ["ok"]):
                self.ledger.violation(f"PRAGMA {pragma}: {rows[:2]}")
        for what, rows in ONCE:
            doubled = database.execute(f"SELECT COUNT(*) FROM ({rows} GROUP BY 1 HAVING COUNT(*) > 1)").fetchone()[0]
            if doubled:
                self.ledger.violation(f"two {what}: {doubled} times")

    def _journal(self, database: sqlite3.Connection, whole: bool) -> None:
        """No gap, each link the hash of its record and of the link before, and nothing of before was rewritten."""
        row = database.execute("SELECT chain FROM journal WHERE seq = ?", (self.seq,)).fetchone()
        if self.seq and (row is None or row[0] != self.chain):
            self.ledger.violation(f"record {self.seq} of the journal, seen before, is gone or another")
            self.seq, self.chain = 0, GENESIS
        seq, chain = (0, GENESIS) if whole else (self.seq, self.chain)
        select = f"SELECT {', '.join(COLUMNS)}, chain FROM journal WHERE seq > ? ORDER BY seq"
        for row in database.execute(select, (seq,)):
            if row[0] != seq + 1:
                self.ledger.violation(f"the journal has no records {seq + 1} to {row[0] - 1}")
                break
            seq, chain = row[0], link(chain, row[:-1])
            if row[-1] != chain:
                self.ledger.violation(f"the chain of the journal breaks at record {seq}")
                break
        else:
            self.seq, self.chain, self.journal = seq, chain, seq

    def _decisions(self, database: sqlite3.Connection) -> None:
        """Each decision id that was answered stands in the journal, once (beside it, the event that it is about)."""
        lost = doubled = 0
        select = "SELECT COUNT(*), COUNT(DISTINCT kind) FROM journal WHERE decision = ?"
        for each in self.ledger.decisions:
            records, kinds = database.execute(select, (uuid.UUID(each).bytes,)).fetchone()
            lost += records == 0
            doubled += records > kinds
        self.ledger.held["decision in the journal"] += len(self.ledger.decisions)
        if lost or doubled:
            self.ledger.violation(f"of the decisions answered, {lost} are not in the journal and {doubled} are twice")

    def _sms(self, database: sqlite3.Connection) -> None:
        """Who was asked is known, and one ask has one SMS id, which is its request's."""
        known = {str(uuid.UUID(bytes=row[0])) for row in database.execute("SELECT id FROM access_request")}
        ids: dict[str, set[str]] = {}
        for sms in received(self.outside):
            request = sms["id"].rsplit("-", 1)[0]
            if request not in known and request not in self.lost:
                self.lost.add(request)
                self.ledger.violation("an SMS was sent for a request that is lost")
            for word in sms["text"].split():
                if (mark := word.strip(".,;:!?\"'()")) in self.ledger.marks and sms["id"].endswith("-ask"):
                    ids.setdefault(mark, set()).add(request)
        for mark, requests in ids.items():
            answered = self.ledger.marks[mark]
            if len(requests) > 1 or (answered is not None and requests != {answered}):
                self.ledger.violation("one ask sent two SMS under different ids")
        lines = Counter(sms["id"] for sms in received(self.outside))
        self.ledger.repeated_sms = sum(count - 1 for count in lines.values())

    def missing_sms(self) -> set[str]:
        """Requests of this cycle that were answered as PENDING and whose SMS is not there."""
        return self.ledger.promised - {
            sms["id"].removesuffix("-ask") for sms in received(self.outside) if sms["id"].endswith("-ask")
        }


def link(before: bytes, fields: tuple[int | str | bytes | None, ...]) -> bytes:
    """SHA-256 of the chain before and of all fields, each with its length; ff ff ff ff stands for none."""
    digest = hashlib.sha256(b"kdp journal 1" + before)
    for value in fields:
        if value is None:
            digest.update(b"\xff\xff\xff\xff")
            continue
        octets = (
            value.to_bytes(8, "big", signed=True)
            if isinstance(value, int)
            else value.encode()
            if isinstance(value, str)
            else value
        )
        digest.update(len(octets).to_bytes(4, "big") + octets)
    return digest.digest()


def received(outside: Path) -> Iterator[dict[str, str]]:
    """What the simulator of 1414 was handed, in order; a last line that was cut off was never confirmed."""
    for line in outside.read_bytes().split(b"\n"):
        try:
            happened = json.loads(line)
        except ValueError:
            continue
        if "received" in happened:
            yield happened["received"]


@contextmanager
def reading(database: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=20)) as connection:
        yield connection
