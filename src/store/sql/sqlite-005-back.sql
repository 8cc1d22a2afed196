-- From version 5 back to version 4. While it keeps the journals of other nodes, nothing is taken back.

DROP TABLE journal_of_node;
DROP TABLE journal_head_of_node;
