-- From version 3 back to version 2. Operators, heads and the chain are gone; the records of the journal stay.

ALTER TABLE journal DROP COLUMN chain;
ALTER TABLE journal DROP COLUMN operator;
DROP TABLE journal_head;
DROP TABLE operator_guard;
DROP TABLE approval;
DELETE FROM registered WHERE kind = 'operator';
