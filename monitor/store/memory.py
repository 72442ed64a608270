"""What findings remember, kept through restarts: read at once, written behind."""

from __future__ import annotations

import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, cast

from sqlalchemy import Engine, bindparam, delete, func, select, text
from sqlalchemy.exc import SQLAlchemyError

from monitor.store.models import MemoryRow
from monitor.store.writer import Statement, Writer

_MEMORY: Any = MemoryRow.__table__  # type: ignore[attr-defined]
_PUT = Statement(
    "INSERT INTO memory (kind, key, value, expires, due) VALUES {} "
    "ON CONFLICT (kind, key) DO UPDATE SET "
    "value = excluded.value, expires = excluded.expires, due = excluded.due",
    tuple,
    5,
)
# The primary key's order lets the kinds be found without a look at every row.
KINDS = (
    "WITH RECURSIVE k(kind) AS (SELECT min(kind) FROM memory UNION ALL "
    "SELECT (SELECT min(kind) FROM memory WHERE kind > k.kind) FROM k WHERE k.kind IS NOT NULL) "
    "SELECT kind FROM k WHERE kind IS NOT NULL"
)
_OLD = (
    select(_MEMORY.c.key)
    .where(_MEMORY.c.kind == bindparam("of_kind"), _MEMORY.c.expires < bindparam("now"))
    .limit(bindparam("most"))
)
_COUNT = select(func.count()).where(_MEMORY.c.kind == bindparam("of_kind"))
_SOONEST = (
    select(_MEMORY.c.key)
    .where(_MEMORY.c.kind == bindparam("of_kind"))
    .order_by(_MEMORY.c.expires)
    .limit(bindparam("most"))
)
_DROP = delete(_MEMORY).where(
    _MEMORY.c.kind == bindparam("of_kind"), _MEMORY.c.key == bindparam("of_key")
)
_GET = "SELECT value FROM memory WHERE kind = ? AND key = ?"
_DUE = (
    select(_MEMORY.c.key)
    .where(_MEMORY.c.kind == bindparam("of_kind"), _MEMORY.c.due <= bindparam("now"))
    .order_by(_MEMORY.c.due)
    .limit(bindparam("most"))
)
_NEWEST = (
    select(_MEMORY.c.key, _MEMORY.c.value)
    .where(_MEMORY.c.kind == bindparam("of_kind"))
    .order_by(_MEMORY.c.expires.desc())
    .limit(bindparam("most"))
)
CACHED = 10_000  # values of a kind that are kept at hand
LOADED = 5_000  # of a kind that are read at once: with more, each is asked for by itself
_LOAD = f"SELECT key, value FROM memory WHERE kind = ? LIMIT {LOADED + 1}"

Tell = Callable[[str, str, bytes, float, float | None], None]  # as StoredMemory.put


class _AtHand:
    """Values of one kind, the longest unwritten go first; None is known not to be there."""

    def __init__(self) -> None:
        self.values: OrderedDict[str, bytes | None] = OrderedDict()
        self.looked = False  # how many there are
        self.all = False  # whoever is not among the values is nowhere

    def keep(self, key: str, value: bytes | None) -> None:
        self.values[key] = value
        self.values.move_to_end(key)
        if len(self.values) > CACHED:
            self.values.popitem(last=False)
            self.all = False


class StoredMemory:
    """A :class:`monitor.findings.memory.Memory` in the database.

    Of a kind that has few values all are at hand: for what is new, the common case, the
    database is not asked. Every change of the table goes through here, save that rows expire.
    """

    def __init__(self, engine: Engine, writer: Writer) -> None:
        self._engine = engine
        self._writer = writer
        self._lock = threading.Lock()
        # Asked for every recipient, so without the cost of a pool and of a compiled statement.
        self._pooled = engine.raw_connection()
        self._reader = cast(sqlite3.Connection, self._pooled.driver_connection)
        # Every value since the last written batch is among these, so a read never misses
        # a write that still waits: there is room for more than a batch interval brings.
        self._kinds: dict[str, _AtHand] = {}
        self.tell: Tell | None = None  # who else wants to know of every change

    def get(self, kind: str, key: str) -> bytes | None:
        """The value, or None where there is none, or the database does not answer."""
        with self._lock:
            kept = self._kinds.get(kind) or self._kinds.setdefault(kind, _AtHand())
            try:
                if not kept.looked:
                    self._load(kind, kept)
                if kept.all or key in kept.values:
                    return kept.values.get(key)
                row = self._reader.execute(_GET, (kind, key)).fetchone()
            except sqlite3.Error:
                return None
            found: bytes | None = (row[0] or None) if row else None
            kept.keep(key, found)
            return found

    def _load(self, kind: str, kept: _AtHand) -> None:
        rows = self._reader.execute(_LOAD, (kind,)).fetchall()
        kept.looked = True
        if len(rows) + len(kept.values) < CACHED and len(rows) <= LOADED:
            written = {key: value or None for key, value in rows}
            # What is at hand already may still be on its way to the database.
            kept.values = OrderedDict(written | kept.values)
            kept.all = True

    def put(
        self, kind: str, key: str, value: bytes, expires: float, due: float | None = None
    ) -> None:
        """Keep a value until ``expires``, to be looked at when ``due`` (epoch seconds)."""
        self.keep(kind, key, value, expires, due)
        if self.tell is not None:
            self.tell(kind, key, value, expires, due)

    def drop(self, kind: str, key: str) -> None:
        """Forget a value."""
        # An empty value that has expired: in one batch, the last write of a key must win.
        self.put(kind, key, b"", 0.0)

    def keep(self, kind: str, key: str, value: bytes, expires: float, due: float | None) -> None:
        """The same as ``put``, and nobody is told."""
        with self._lock:
            kept = self._kinds.get(kind) or self._kinds.setdefault(kind, _AtHand())
            kept.keep(key, value or None)
        self._writer.put((kind, key, value, expires, due), _PUT)

    def due(self, kind: str, now: float, limit: int) -> list[tuple[str, bytes]]:
        """Keys and values that became due by ``now``, the longest due first."""
        values = {"of_kind": kind, "now": now, "most": limit}
        try:
            with self._engine.connect() as connection:
                keys = connection.execute(_DUE, values).scalars().all()
        except SQLAlchemyError:
            return []
        # What is on its way to the database is newer, and may be due no more.
        return [(key, value) for key in keys if (value := self.get(kind, key))]

    def newest(self, kind: str, limit: int) -> list[tuple[str, bytes]]:
        """Keys and values of a kind, those that are kept the longest first.

        Raises SQLAlchemyError. What was put in the last moments is not among them yet.
        """
        with self._engine.connect() as connection:
            rows = connection.execute(_NEWEST, {"of_kind": kind, "most": limit}).all()
        return [(row[0], row[1]) for row in rows if row[1]]

    def expire(self, now: float, remembered: int = 1_000_000, most: int = 5_000) -> None:
        """Remove a step's worth: what has expired, and of each kind what is above ``remembered``.

        What would expire the soonest goes first; ``most`` values of each kind go at once. What
        is at hand stays there: it may be newer, and on its way to the database.
        Raises SQLAlchemyError.
        """
        with self._engine.begin() as connection:
            for kind in connection.execute(text(KINDS)).scalars().all():
                of = {"of_kind": kind}
                keys = set(connection.execute(_OLD, {**of, "now": now, "most": most}).scalars())
                above = min(most, connection.execute(_COUNT, of).scalar_one() - remembered)
                if above > len(keys):
                    keys |= set(connection.execute(_SOONEST, {**of, "most": above}).scalars())
                if keys:
                    connection.execute(_DROP, [{**of, "of_key": key} for key in keys])

    def close(self) -> None:
        """Let go of the database."""
        self._pooled.close()
