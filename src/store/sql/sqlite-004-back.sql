-- From version 4 back to version 3. Messages of AsyncChannel that were answered are forgotten; while one is to be answered,
-- nothing is taken back.

DELETE FROM job WHERE task = 9;
DROP TABLE asynchronous;
DELETE FROM counter WHERE name LIKE 'reseal-% asynchronous.message';
