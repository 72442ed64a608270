"""Databases of past versions, brought forward.

``STEPS[n]`` are the statements that make a database of schema ``n`` one of ``n + 1``. A new
database is made from the tables of :mod:`monitor.store.models` at once, and the tests hold
that both ways end in the same. Steps that were released never change; fixtures of every
version stay in ``tests/fixtures/store``.
"""

from __future__ import annotations

# Entries are an audit trail: who added what, and who ended it. No row goes or is rewritten.
ENTRIES_STAY = (
    "CREATE TRIGGER entries_stay BEFORE DELETE ON entries "
    "BEGIN SELECT RAISE(ABORT, 'entries are never removed'); END",
    "CREATE TRIGGER entries_hold BEFORE UPDATE OF "
    'id, list, kind, value, action, reason, "by", created, expires ON entries '
    "BEGIN SELECT RAISE(ABORT, 'entries are never rewritten'); END",
    "CREATE TRIGGER entries_end BEFORE UPDATE OF ended, ended_by ON entries "
    "WHEN old.ended IS NOT NULL "
    "BEGIN SELECT RAISE(ABORT, 'entries end once'); END",
)

# What is remembered can say when it wants to be looked at.
MEMORY_DUE = (
    "DROP INDEX ix_memory_expires",
    "ALTER TABLE memory RENAME TO memory_1",
    'CREATE TABLE memory ( kind VARCHAR NOT NULL, "key" VARCHAR NOT NULL, value BLOB NOT NULL, '
    'expires FLOAT NOT NULL, due FLOAT, PRIMARY KEY (kind, "key") ) WITHOUT ROWID',
    'INSERT INTO memory SELECT kind, "key", value, expires, NULL FROM memory_1',
    "DROP TABLE memory_1",
    "CREATE INDEX ix_memory_expires ON memory (expires)",
    "CREATE INDEX ix_memory_newest ON memory (kind, expires)",
    "CREATE INDEX ix_memory_due ON memory (kind, due) WHERE due IS NOT NULL",
)

STEPS: dict[int, tuple[str, ...]] = {
    1: (*ENTRIES_STAY, *MEMORY_DUE),
}
SCHEMA = 1 + len(STEPS)
