-- Version 3. The journal is a chain whose heads are signed; operators. Times are Unix milliseconds.

ALTER TABLE journal ADD COLUMN operator TEXT NOT NULL DEFAULT '';   -- who did it, of administrative acts
-- SHA-256 of the record and of the chain before it (src/journal.rs); rows of before get theirs by the program.
ALTER TABLE journal ADD COLUMN chain BLOB NOT NULL DEFAULT x'';

CREATE TABLE journal_head (            -- signed: who changes the journal later would need the key as well
    seq   INTEGER PRIMARY KEY,         -- of the last record that it covers
    at    INTEGER NOT NULL,
    jws   TEXT NOT NULL
) STRICT;

CREATE TABLE operator_guard (          -- wrong passwords since the last right one
    name  TEXT PRIMARY KEY,
    wrong INTEGER NOT NULL,
    until INTEGER NOT NULL             -- locked out until then
) STRICT, WITHOUT ROWID;

CREATE TABLE approval (                -- acts that need a second person
    id       BLOB PRIMARY KEY,
    act      TEXT NOT NULL,            -- what kind of act
    digest   BLOB NOT NULL,            -- keyed hash of what exactly is to be done
    asked_by TEXT NOT NULL,
    asked    INTEGER NOT NULL,
    until    INTEGER NOT NULL,         -- after that it is void
    approved_by TEXT,
    approved INTEGER,
    done     INTEGER
) STRICT, WITHOUT ROWID;
