"""Who shares a database, looked at without changing anything."""

from __future__ import annotations

from contextlib import closing
from typing import NamedTuple

from monitor.config.database import shown
from monitor.store.shared.connection import Timely, connect
from monitor.store.shared.schema import SERVING, read_meta

_RELAYS = """
SELECT origin, name, EXISTS (
    SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 2
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND classid = %s::bigint::oid AND objid = (hashtext(origin)::bigint & 4294967295)::oid
) FROM relays ORDER BY name, origin
"""
_WRITABLE = "SELECT current_setting('transaction_read_only') = 'off' AND "
_MAY_MAKE = _WRITABLE + "coalesce(has_schema_privilege(current_schema(), 'CREATE'), false)"
_MAY_WRITE = (
    _WRITABLE
    + """bool_and(has_table_privilege(name, may)) FROM
    unnest(ARRAY['relays', 'entries', 'memory', 'transactions', 'records', 'transcripts']) name,
    unnest(ARRAY['SELECT', 'INSERT', 'UPDATE']) may"""
)


class Relay(NamedTuple):
    """One that shares it; ``origin`` is its state folder's, it ``serves`` while connected."""

    origin: str
    name: str
    serves: bool


class Seen(NamedTuple):
    """A database: ``schema`` is 0 for an empty one."""

    schema: int
    writable: bool
    relays: tuple[Relay, ...]


def look(url: str) -> Seen:
    """Raises StoreError where it is not mxtap's, or a newer one's, psycopg.Error else."""
    with closing(connect(url)) as connection:
        meta = read_meta(connection, shown(url))
        if not meta:
            return Seen(0, _may(connection, _MAY_MAKE), ())
        return Seen(int(meta["schema"]), _may(connection, _MAY_WRITE), relays(connection))


def relays(connection: Timely) -> tuple[Relay, ...]:
    """All that ever shared it. Raises psycopg.Error."""
    return tuple(Relay(*row) for row in connection.execute(_RELAYS, (SERVING,)))


def _may(connection: Timely, query: str) -> bool:
    row = connection.execute(query.encode()).fetchone()
    return bool(row and row[0])
