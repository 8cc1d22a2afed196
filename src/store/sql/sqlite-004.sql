-- Version 4. What came by AsyncChannel, to be answered later. Times are Unix milliseconds.

CREATE TABLE asynchronous (
    seq     INTEGER PRIMARY KEY,
    id      BLOB NOT NULL UNIQUE,      -- of the decision, and messageId of the answer
    chain   BLOB NOT NULL UNIQUE,      -- keyed hash of the sender and its correlationId; without one, of its messageId and
                                       -- what was asked
    sender  BLOB NOT NULL,             -- keyed hash of the sender
    digest  BLOB NOT NULL,             -- keyed hash of what was asked
    since   INTEGER NOT NULL,          -- when it came, or its request ended: from then on its answer is tried
    state   INTEGER NOT NULL,          -- 0: to be answered, 1: its request is awaited, 2: sent, 3: ended,
                                       -- 4: to be answered, and once more, for the answer under way was not delivered
    begun   INTEGER NOT NULL DEFAULT 0, -- 1: its answer was tried, so that ШЭП may tell of it
    request BLOB,                      -- the access request that it led to
    theirs  BLOB,                      -- keyed hash of the messageId that ШЭП gave the answer
    message BLOB                       -- sealed: who asked, and what it came to or what was asked; NULL: ended
) STRICT;
CREATE INDEX asynchronous_request ON asynchronous (request) WHERE state = 1;
CREATE INDEX asynchronous_sender ON asynchronous (sender) WHERE state IN (0, 1, 4);
CREATE INDEX asynchronous_theirs ON asynchronous (theirs) WHERE theirs IS NOT NULL;
CREATE INDEX asynchronous_since ON asynchronous (since);
