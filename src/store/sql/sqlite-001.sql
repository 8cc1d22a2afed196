-- Version 1. Times are Unix milliseconds, expiries of tokens Unix seconds; ids are 16 bytes.

CREATE TABLE registry_version (version INTEGER NOT NULL) STRICT;
INSERT INTO registry_version VALUES (1);

CREATE TABLE sender (
    sender_id TEXT PRIMARY KEY,
    record    TEXT NOT NULL            -- JSON, secrets as keyed hashes
) STRICT, WITHOUT ROWID;

CREATE TABLE directory_entry (
    id       TEXT NOT NULL,
    revision INTEGER NOT NULL,
    record   TEXT NOT NULL,
    PRIMARY KEY (id, revision)
) STRICT, WITHOUT ROWID;

CREATE TABLE signing_key (
    kid    TEXT PRIMARY KEY,
    record BLOB NOT NULL               -- sealed
) STRICT, WITHOUT ROWID;

CREATE TABLE access_request (
    seq       INTEGER PRIMARY KEY,
    id        BLOB NOT NULL UNIQUE,
    bin       TEXT NOT NULL,
    method    INTEGER NOT NULL,
    subject   BLOB NOT NULL,           -- keyed hash of the IIN
    live      BLOB,                    -- keyed hash of (BIN, IIN, ServiceIDs) while in progress
    phone     BLOB,                    -- keyed hash of the number while an answer is awaited
    told      INTEGER NOT NULL,        -- 1: help was sent, 2: the reference was asked for
    terms     TEXT NOT NULL,           -- what is asked for, nothing personal
    consent   TEXT NOT NULL,           -- the state
    person    BLOB NOT NULL,           -- sealed: IIN, number, names, data
    jti       BLOB,
    token     BLOB                     -- sealed
) STRICT;
CREATE UNIQUE INDEX access_request_live ON access_request (live) WHERE live IS NOT NULL;
CREATE INDEX access_request_phone ON access_request (phone) WHERE phone IS NOT NULL;
CREATE UNIQUE INDEX access_request_jti ON access_request (jti) WHERE jti IS NOT NULL;

-- The time stands first in the key: new rows stay together, and what is out of date is one range.
CREATE TABLE ovt_use (
    until    INTEGER NOT NULL,         -- Unix seconds; follows from the verification token
    ovt      BLOB NOT NULL,            -- identity of the verification token
    subject  BLOB NOT NULL,
    services BLOB NOT NULL,            -- keyed hash of the set
    request  BLOB NOT NULL,
    PRIMARY KEY (until, ovt, subject, services)
) STRICT, WITHOUT ROWID;

CREATE TABLE budget (
    holder BLOB NOT NULL,              -- keyed hash of the subject or of the initiator
    day    INTEGER NOT NULL,           -- days since 1970 in Astana
    asked  INTEGER NOT NULL,
    PRIMARY KEY (holder, day)
) STRICT, WITHOUT ROWID;

CREATE TABLE job (
    id      INTEGER PRIMARY KEY,
    due     INTEGER NOT NULL,
    task    INTEGER NOT NULL,
    request BLOB NOT NULL,
    tries   INTEGER NOT NULL
) STRICT;
CREATE INDEX job_due ON job (due);
CREATE INDEX job_request ON job (request);

CREATE TABLE heard_sms (sms TEXT PRIMARY KEY, at INTEGER NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE message (                 -- of strict senders only
    sender     TEXT NOT NULL,
    message_id TEXT NOT NULL,
    body       BLOB NOT NULL,
    at         INTEGER NOT NULL,
    PRIMARY KEY (sender, message_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE journal (
    seq        INTEGER PRIMARY KEY,
    at         INTEGER NOT NULL,
    kind       TEXT NOT NULL,
    decision   BLOB,
    sender     TEXT NOT NULL,
    message_id TEXT NOT NULL,
    message    BLOB,                   -- digest of the verified Body
    service    TEXT NOT NULL,
    request    BLOB,
    subject    BLOB,                   -- pseudonym
    outcome    TEXT NOT NULL,
    detail     TEXT NOT NULL
) STRICT;
CREATE INDEX journal_decision ON journal (decision) WHERE decision IS NOT NULL;
