"""The shared database: its tables, made once and brought forward by whoever is first.

Its tables are those of :mod:`monitor.store.models`, and of the same version; a test holds that
they have the same columns. ``seq`` numbers changes in the order in which they are committed:
who changes something holds the lock ``CHANGING`` meanwhile.
"""

from __future__ import annotations

import logging
import secrets

from monitor.store.database import StoreError
from monitor.store.migrations import SCHEMA
from monitor.store.shared.connection import Timely

log = logging.getLogger(__name__)

CHANNEL = "mxtap"  # of NOTIFY: something changed
CHANGING = 0x6D78746170  # advisory locks
PREPARING = CHANGING + 1
PRUNING = CHANGING + 2
SERVING = 0x6D78  # with a number of the relay's origin beside it

TABLES = """
CREATE TABLE meta (key text PRIMARY KEY, value text NOT NULL);
CREATE SEQUENCE changes;
CREATE TABLE relays (
    origin text PRIMARY KEY, name text NOT NULL, transactions bigint NOT NULL DEFAULT 0,
    late_findings bigint NOT NULL DEFAULT 0, transcripts bigint NOT NULL DEFAULT 0
);
CREATE TABLE transactions (
    n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id text NOT NULL UNIQUE,
    session text NOT NULL, started float8 NOT NULL, ended float8 NOT NULL,
    client_ip text NOT NULL, ip_key text COLLATE "C" NOT NULL, helo text, name text,
    mail_from text, rcpts text NOT NULL, author text, subject text, message_id text, size bigint,
    code integer NOT NULL, reply text NOT NULL, phase text NOT NULL, by text NOT NULL,
    tls_protocol text, tls_cipher text, codes text NOT NULL, worst integer NOT NULL,
    relay text NOT NULL
);
CREATE INDEX transactions_session ON transactions (session);
CREATE INDEX transactions_ended ON transactions (ended, n);
CREATE INDEX transactions_ip ON transactions (ip_key, ended, n);
CREATE INDEX transactions_code ON transactions (code, ended, n);
CREATE INDEX transactions_worst ON transactions (worst, ended, n);
CREATE TABLE records (n bigint PRIMARY KEY, record bytea NOT NULL);
CREATE TABLE late_findings (
    n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, transaction_id text NOT NULL,
    finding bytea NOT NULL, severity integer NOT NULL, line text NOT NULL
);
CREATE INDEX late_findings_transaction_id ON late_findings (transaction_id);
CREATE TABLE transcripts (
    session text PRIMARY KEY, ended float8 NOT NULL, events bytea NOT NULL
);
CREATE INDEX transcripts_ended ON transcripts (ended);
CREATE TABLE entries (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, list text NOT NULL, kind text NOT NULL,
    value text NOT NULL, action text NOT NULL, reason text NOT NULL, by text NOT NULL,
    created float8 NOT NULL, expires float8, ended float8, ended_by text,
    hits integer NOT NULL DEFAULT 0, origin text NOT NULL, own integer NOT NULL,
    seq bigint NOT NULL, UNIQUE (origin, own)
);
CREATE INDEX entries_seq ON entries (seq);
CREATE TABLE memory (
    kind text COLLATE "C", key text COLLATE "C", value bytea NOT NULL, expires float8 NOT NULL,
    due float8, written float8 NOT NULL, origin text NOT NULL, seq bigint NOT NULL,
    PRIMARY KEY (kind, key)
);
CREATE INDEX memory_seq ON memory (seq);
CREATE INDEX memory_newest ON memory (kind, expires);
CREATE FUNCTION entries_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'entries are never removed';
    ELSIF (OLD.id, OLD.list, OLD.kind, OLD.value, OLD.action, OLD.reason, OLD."by", OLD.created,
           OLD.expires, OLD.origin, OLD.own)
        IS DISTINCT FROM (NEW.id, NEW.list, NEW.kind, NEW.value, NEW.action, NEW.reason, NEW."by",
           NEW.created, NEW.expires, NEW.origin, NEW.own) THEN
        RAISE EXCEPTION 'entries are never rewritten';
    ELSIF OLD.ended IS NOT NULL AND
        (OLD.ended, OLD.ended_by) IS DISTINCT FROM (NEW.ended, NEW.ended_by) THEN
        RAISE EXCEPTION 'entries end once';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER entries_stay BEFORE UPDATE OR DELETE ON entries
    FOR EACH ROW EXECUTE FUNCTION entries_stay();
"""

# As in monitor.store.migrations, from the first version that could be shared.
FIRST = 3
STEPS: dict[int, tuple[str, ...]] = {3: ()}


UPGRADE = 3_600.0  # seconds that it may take, while mail goes on elsewhere


def prepare(connection: Timely, shown: str) -> str:
    """The id of a database that is ready for use. Raises StoreError, psycopg.Error.

    Made or brought up to date where it has to be; two relays do not do so at once.
    """
    meta = read_meta(connection, shown)
    if meta.get("schema") != str(SCHEMA):
        with connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (PREPARING,))
            connection.execute("SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0")
            usual, connection.patience = connection.patience, UPGRADE
            _bring_up(connection, shown)
            connection.patience = usual
        meta = read_meta(connection, shown)
    return meta["database"]


def read_meta(connection: Timely, shown: str) -> dict[str, str]:
    """What is known of the database, {} for an empty one. Raises StoreError."""
    tables = "SELECT table_name FROM information_schema.tables WHERE table_schema = "
    known = {row[0] for row in connection.execute(tables + "current_schema()")}
    if not known:
        return {}
    meta: dict[str, str] = {}
    if "meta" in known:
        meta = {str(k): str(v) for k, v in connection.execute("SELECT key, value FROM meta")}
    if meta.get("application") != "mxtap" or not meta.get("schema", "").isdigit():
        raise StoreError(f"{shown}: is a database of another program; give mxtap one of its own")
    if int(meta["schema"]) > SCHEMA:
        raise StoreError(
            f"{shown}: was brought to schema {meta['schema']} by a newer mxtap, this one knows "
            f"{SCHEMA}; upgrade mxtap here too"
        )
    return meta


def _bring_up(connection: Timely, shown: str) -> None:
    meta = read_meta(connection, shown)
    if not meta:
        connection.execute(TABLES)
        rows = {"application": "mxtap", "schema": str(SCHEMA), "database": secrets.token_hex(8)}
        for key, value in rows.items():
            connection.execute("INSERT INTO meta VALUES (%s, %s)", (key, value))
        return
    version = int(meta["schema"])
    for step in range(version, SCHEMA):
        for statement in STEPS[step]:
            connection.execute(statement.encode())
    if version < SCHEMA:
        connection.execute("UPDATE meta SET value = %s WHERE key = 'schema'", (str(SCHEMA),))
        connection.execute("SELECT pg_notify(%s, 'schema')", (CHANNEL,))
        log.warning(
            "%s: schema %d is now %d; relays of an older mxtap go on without it until they are "
            "upgraded; backups of it are its operator's",
            shown,
            version,
            SCHEMA,
        )
