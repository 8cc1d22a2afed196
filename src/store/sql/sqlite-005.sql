-- Version 5. What came back from PostgreSQL, where each node has a chain of its own: those of all nodes but this one, as they
-- are, until they move there again. Nothing is appended to them. Times are Unix milliseconds.

CREATE TABLE journal_of_node (
    node       TEXT NOT NULL,
    seq        INTEGER NOT NULL,
    at         INTEGER NOT NULL,
    kind       TEXT NOT NULL,
    operator   TEXT NOT NULL,          -- who did it, of administrative acts
    decision   BLOB,
    sender     TEXT NOT NULL,
    message_id TEXT NOT NULL,
    message    BLOB,                   -- digest of the verified Body
    service    TEXT NOT NULL,
    request    BLOB,
    subject    INTEGER,                -- pseudonym
    outcome    TEXT NOT NULL,
    detail     TEXT NOT NULL,
    chain      BLOB NOT NULL,          -- SHA-256 of the record and of the chain before it
    PRIMARY KEY (node, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX journal_of_node_decision ON journal_of_node (decision) WHERE decision IS NOT NULL;
CREATE INDEX journal_of_node_at ON journal_of_node (at);

CREATE TABLE journal_head_of_node (    -- signed
    node  TEXT NOT NULL,
    seq   INTEGER NOT NULL,            -- of the last record that it covers
    at    INTEGER NOT NULL,
    jws   TEXT NOT NULL,
    PRIMARY KEY (node, seq)
) STRICT, WITHOUT ROWID;
