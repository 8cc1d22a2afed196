-- Version 2. Subjects have a number of their own, which journal and accesses carry: without `subject.hash` it leads to
-- nobody. What is registered is kept in revisions. Times are Unix milliseconds, expiries of tokens Unix seconds.

CREATE TABLE registered (              -- senders, directory entries, grounds, proactive services, calendar acts,
    kind     TEXT NOT NULL,            -- integration applications, incidents
    id       TEXT NOT NULL,
    revision INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    record   TEXT NOT NULL,            -- JSON, secrets as keyed hashes; applications and incidents sealed, base64
    PRIMARY KEY (kind, id, revision)
) STRICT, WITHOUT ROWID;
INSERT INTO registered SELECT 'sender', sender_id, 1, 0, record FROM sender;
INSERT INTO registered SELECT 'entry', id, revision, 0, record FROM directory_entry;
DROP TABLE sender;
DROP TABLE directory_entry;

CREATE TABLE subject (
    id   INTEGER PRIMARY KEY AUTOINCREMENT,
    hash BLOB,                         -- keyed hash of the IIN; NULL: erased
    seen INTEGER NOT NULL DEFAULT 0    -- the last day of a record about it, days since 1970 in Astana
) STRICT;
CREATE INDEX subject_seen ON subject (seen) WHERE hash IS NOT NULL;
CREATE UNIQUE INDEX subject_hash ON subject (hash) WHERE hash IS NOT NULL;
INSERT INTO subject (hash, seen)
    SELECT hash, unixepoch() / 86400 FROM (
        SELECT subject AS hash FROM access_request UNION SELECT subject FROM ovt_use
        UNION SELECT subject FROM journal WHERE subject IS NOT NULL);

CREATE TABLE hold (                    -- blocks (P 7-3) and freezes, those that were lifted too
    subject INTEGER NOT NULL,
    kind    INTEGER NOT NULL,          -- 1: block, 2: freeze
    since   INTEGER NOT NULL,
    until   INTEGER,                   -- NULL: it holds
    PRIMARY KEY (subject, kind, since)
) STRICT, WITHOUT ROWID;

CREATE TABLE withdrawal (              -- the last revocation that took effect (F-19, F-21)
    subject INTEGER NOT NULL,
    bin     TEXT NOT NULL,
    at      INTEGER NOT NULL,
    PRIMARY KEY (subject, bin)
) STRICT, WITHOUT ROWID;

CREATE TABLE access_request_2 (
    seq     INTEGER PRIMARY KEY,
    id      BLOB NOT NULL UNIQUE,
    bin     TEXT NOT NULL,
    method  INTEGER NOT NULL,
    subject INTEGER NOT NULL,
    opened  INTEGER NOT NULL,
    live    BLOB,                      -- keyed hash of (BIN, IIN, ServiceIDs) while in progress
    phone   BLOB,                      -- keyed hash of the number while an answer is awaited
    told    INTEGER NOT NULL,          -- 1: help was sent, 2: the reference was asked for
    terms   TEXT NOT NULL,             -- what is asked for, nothing personal
    consent TEXT NOT NULL,             -- the state
    keeps   INTEGER NOT NULL,          -- 2: person with number, 1: person, 0: erased
    ended   INTEGER,                   -- when it ended, or its token will expire
    person  BLOB,                      -- sealed: IIN, number, names, data
    jti     BLOB,
    token   BLOB,                      -- sealed
    issued  INTEGER,
    idx     INTEGER                    -- place in the status list
) STRICT;
INSERT INTO access_request_2
    SELECT r.seq, r.id, r.bin, r.method, s.id, coalesce(j.at, 0), r.live, r.phone, r.told, r.terms,
        CASE json_extract(r.consent, '$.state')
            WHEN 'closed' THEN json_set(r.consent, '$.at', coalesce(j.at, 0))
            ELSE r.consent
        END,
        2,
        CASE json_extract(r.consent, '$.state')
            WHEN 'granted' THEN json_extract(r.consent, '$.expires') * 1000
            WHEN 'closed' THEN coalesce(j.at, 0)
        END,
        r.person, r.jti, r.token,
        CASE WHEN r.jti IS NOT NULL THEN coalesce(
            (json_extract(r.consent, '$.expires') - json_extract(r.terms, '$.term_seconds')) * 1000, j.at, 0)
        END,
        NULL
    FROM access_request AS r
    JOIN subject AS s ON s.hash = r.subject
    LEFT JOIN (SELECT request, min(at) AS at FROM journal WHERE request IS NOT NULL GROUP BY request) AS j
        ON j.request = r.id
    ORDER BY r.seq;
DROP TABLE access_request;
ALTER TABLE access_request_2 RENAME TO access_request;
CREATE UNIQUE INDEX access_request_live ON access_request (live) WHERE live IS NOT NULL;
CREATE INDEX access_request_phone ON access_request (phone) WHERE phone IS NOT NULL;
CREATE UNIQUE INDEX access_request_jti ON access_request (jti) WHERE jti IS NOT NULL;
CREATE INDEX access_request_subject ON access_request (subject);
CREATE INDEX access_request_bin ON access_request (bin) WHERE idx IS NOT NULL;
CREATE INDEX access_request_ended ON access_request (keeps, ended) WHERE keeps > 0 AND ended IS NOT NULL;

CREATE TABLE ovt_use_2 (
    until    INTEGER NOT NULL,         -- Unix seconds; follows from the verification token
    ovt      BLOB NOT NULL,            -- identity of the verification token
    subject  INTEGER NOT NULL,
    services BLOB NOT NULL,            -- keyed hash of the set
    request  BLOB NOT NULL,
    PRIMARY KEY (until, ovt, subject, services)
) STRICT, WITHOUT ROWID;
INSERT INTO ovt_use_2
    SELECT u.until, u.ovt, s.id, u.services, u.request FROM ovt_use AS u JOIN subject AS s ON s.hash = u.subject;
DROP TABLE ovt_use;
ALTER TABLE ovt_use_2 RENAME TO ovt_use;

CREATE TABLE journal_2 (
    seq        INTEGER PRIMARY KEY,
    at         INTEGER NOT NULL,
    kind       TEXT NOT NULL,
    decision   BLOB,
    sender     TEXT NOT NULL,
    message_id TEXT NOT NULL,
    message    BLOB,                   -- digest of the verified Body
    service    TEXT NOT NULL,
    request    BLOB,
    subject    INTEGER,                -- pseudonym
    outcome    TEXT NOT NULL,
    detail     TEXT NOT NULL
) STRICT;
INSERT INTO journal_2
    SELECT j.seq, j.at, j.kind, j.decision, j.sender, j.message_id, j.message, j.service, j.request, s.id,
        j.outcome, j.detail
    FROM journal AS j LEFT JOIN subject AS s ON s.hash = j.subject ORDER BY j.seq;
DROP TABLE journal;
ALTER TABLE journal_2 RENAME TO journal;
CREATE INDEX journal_decision ON journal (decision) WHERE decision IS NOT NULL;

CREATE TABLE access (                  -- each check of a token by the owner of the service (F-14)
    seq     INTEGER PRIMARY KEY,
    at      INTEGER NOT NULL,
    subject INTEGER NOT NULL,
    request INTEGER NOT NULL,          -- access_request.seq
    service TEXT NOT NULL,
    owner   TEXT NOT NULL,             -- senderId
    status  TEXT NOT NULL              -- what the owner was told
) STRICT;
CREATE INDEX access_subject ON access (subject);

CREATE TABLE revocation (              -- applications for revocation (F-17)
    seq      INTEGER PRIMARY KEY,
    id       BLOB NOT NULL UNIQUE,
    request  INTEGER NOT NULL,         -- access_request.seq
    bin      TEXT NOT NULL,            -- who reviews
    subject  INTEGER NOT NULL,
    filed    INTEGER NOT NULL,
    deadline TEXT NOT NULL,            -- the last day
    ends     INTEGER NOT NULL,         -- 24:00 of it
    reminded INTEGER NOT NULL,         -- how many reminders were given
    state    TEXT NOT NULL,            -- open, approved, refused, lapsed
    decided  INTEGER,
    person   BLOB                      -- sealed: applicant, comment, reasons of a refusal; NULL: erased
) STRICT;
CREATE INDEX revocation_open ON revocation (bin, seq) WHERE state = 'open';
CREATE INDEX revocation_request ON revocation (request);
CREATE INDEX revocation_subject ON revocation (subject, bin) WHERE state = 'open';

CREATE TABLE status_change (           -- entries of the status list that are not "valid", in order of change
    seq      INTEGER PRIMARY KEY AUTOINCREMENT, -- readers go on behind the last they saw: no number comes twice
    idx      INTEGER NOT NULL,
    standing INTEGER NOT NULL,
    ends     INTEGER NOT NULL          -- when the token expires: then nobody asks any more
) STRICT;
CREATE INDEX status_change_ends ON status_change (ends);

CREATE TABLE suspension (              -- initiators that are suspended now
    sender TEXT PRIMARY KEY,
    since  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX message_at ON message (at);
CREATE INDEX heard_sms_at ON heard_sms (at);
CREATE INDEX budget_day ON budget (day);

CREATE TABLE job_2 (                   -- numbers come once: who performs a job may be slow
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    due     INTEGER NOT NULL,
    task    INTEGER NOT NULL,
    request BLOB NOT NULL,
    tries   INTEGER NOT NULL
) STRICT;
INSERT INTO job_2 SELECT id, due, task, request, tries FROM job ORDER BY id;
DROP TABLE job;
ALTER TABLE job_2 RENAME TO job;
CREATE INDEX job_due ON job (due);
CREATE INDEX job_request ON job (request);

CREATE TABLE counter (name TEXT PRIMARY KEY, next INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO counter VALUES ('status', 0);

-- The daily sweep; it puts itself off to the next night.
INSERT INTO job (due, task, request, tries) VALUES (0, 8, zeroblob(16), 0);
