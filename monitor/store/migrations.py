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
    'expires FLOAT NOT NULL, due FLOAT, PRIMARY KEY (kind, "key") )',
    'INSERT INTO memory SELECT kind, "key", value, expires, NULL FROM memory_1',
    "DROP TABLE memory_1",
    "CREATE INDEX ix_memory_newest ON memory (kind, expires)",
    "CREATE INDEX ix_memory_due ON memory (kind, due) WHERE due IS NOT NULL",
)

# What filters ask for stands in one narrow table, and every order in an index.
HISTORY_NARROW = (
    "ALTER TABLE transactions RENAME TO transactions_1",
    "CREATE TABLE transactions ( n INTEGER NOT NULL, id VARCHAR NOT NULL, "
    "session VARCHAR NOT NULL, started FLOAT NOT NULL, ended FLOAT NOT NULL, "
    "client_ip VARCHAR NOT NULL, ip_key VARCHAR NOT NULL, helo VARCHAR, name VARCHAR, "
    "mail_from VARCHAR, rcpts VARCHAR NOT NULL, author VARCHAR, subject VARCHAR, "
    "message_id VARCHAR, size INTEGER, code INTEGER NOT NULL, reply VARCHAR NOT NULL, "
    'phase VARCHAR NOT NULL, "by" VARCHAR NOT NULL, tls_protocol VARCHAR, tls_cipher VARCHAR, '
    "codes VARCHAR NOT NULL, worst INTEGER NOT NULL, PRIMARY KEY (n), UNIQUE (id) )",
    "INSERT INTO transactions SELECT n, id, session, started, ended, client_ip, ip_key, helo, "
    "name, mail_from, (SELECT char(10) || coalesce(group_concat(address, char(10)) || char(10), '')"
    " FROM recipients WHERE transaction_id = id), author, subject, message_id, size, code, reply, "
    'phase, "by", tls_protocol, tls_cipher, '
    "(SELECT char(10) || coalesce(group_concat(f.code, char(10)) || char(10), '')"
    " FROM findings AS f WHERE transaction_id = id), worst FROM transactions_1",
    "CREATE TABLE records ( n INTEGER NOT NULL, record BLOB NOT NULL, PRIMARY KEY (n) )",
    "INSERT INTO records SELECT n, record FROM transactions_1",
    "CREATE TABLE late_findings ( n INTEGER NOT NULL, transaction_id VARCHAR NOT NULL, "
    "finding BLOB NOT NULL, PRIMARY KEY (n) )",
    "INSERT INTO late_findings SELECT n, transaction_id, late FROM findings WHERE late IS NOT NULL",
    "DROP TABLE transactions_1",
    "DROP TABLE recipients",
    "DROP TABLE findings",
    "CREATE INDEX ix_late_findings_transaction_id ON late_findings (transaction_id)",
    "CREATE INDEX ix_transactions_session ON transactions (session)",
    "CREATE INDEX ix_transactions_ended ON transactions (ended)",
    "CREATE INDEX ix_transactions_ip ON transactions (ip_key, ended)",
    "CREATE INDEX ix_transactions_code ON transactions (code, ended)",
    "CREATE INDEX ix_transactions_worst ON transactions (worst, ended)",
)

# Records know their relay, and there is a copy of what relays share (monitor.store.shared).
SEVERAL_RELAYS = (
    "ALTER TABLE transactions ADD COLUMN relay VARCHAR DEFAULT '' NOT NULL",
    "UPDATE transactions SET relay = coalesce((SELECT json_extract(CAST(record AS TEXT), '$.relay')"
    " FROM records WHERE records.n = transactions.n), '')",
    "CREATE TABLE shared_entries ( id INTEGER NOT NULL, list VARCHAR NOT NULL, "
    "kind VARCHAR NOT NULL, value VARCHAR NOT NULL, action VARCHAR NOT NULL, "
    'reason VARCHAR NOT NULL, "by" VARCHAR NOT NULL, created FLOAT NOT NULL, expires FLOAT, '
    "ended FLOAT, ended_by VARCHAR, hits INTEGER NOT NULL, origin VARCHAR NOT NULL, "
    "own INTEGER NOT NULL, unsent BOOLEAN NOT NULL, PRIMARY KEY (id) )",
    'CREATE TABLE unsent ( kind VARCHAR NOT NULL, "key" VARCHAR NOT NULL, value BLOB NOT NULL, '
    'expires FLOAT NOT NULL, due FLOAT, written FLOAT NOT NULL, PRIMARY KEY (kind, "key") )',
)

STEPS: dict[int, tuple[str, ...]] = {
    1: (*ENTRIES_STAY, *MEMORY_DUE, *HISTORY_NARROW),
    2: SEVERAL_RELAYS,
    3: (),  # from here on transcripts are packed as zstd, which an older mxtap cannot read
}
SCHEMA = 1 + len(STEPS)
