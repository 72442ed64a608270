"""What findings remember, kept through restarts: read at once, written behind."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any

from sqlalchemy import Engine, bindparam, delete, insert, select
from sqlalchemy.exc import SQLAlchemyError

from monitor.store.models import MemoryRow
from monitor.store.writer import Writer

_MEMORY: Any = MemoryRow.__table__  # type: ignore[attr-defined]
_PUT = insert(_MEMORY).prefix_with("OR REPLACE")
_DROP = delete(_MEMORY).where(
    _MEMORY.c.kind == bindparam("of_kind"), _MEMORY.c.key == bindparam("of_key")
)
_GET = select(_MEMORY.c.value).where(
    _MEMORY.c.kind == bindparam("of_kind"), _MEMORY.c.key == bindparam("of_key")
)
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
CACHED = 20_000  # values kept at hand


class StoredMemory:
    """A :class:`monitor.findings.memory.Memory` in the database."""

    def __init__(self, engine: Engine, writer: Writer) -> None:
        self._engine = engine
        self._writer = writer
        self._lock = threading.Lock()
        # Every value since the last written batch is among these, so a read never misses
        # a write that still waits: the cache is larger than what a batch interval brings.
        self._cache: OrderedDict[tuple[str, str], bytes | None] = OrderedDict()

    def get(self, kind: str, key: str) -> bytes | None:
        """The value, or None where there is none, or the database does not answer."""
        with self._lock:
            if (kind, key) in self._cache:
                self._cache.move_to_end((kind, key))
                return self._cache[kind, key]
        try:
            with self._engine.connect() as connection:
                values = {"of_kind": kind, "of_key": key}
                found: bytes | None = connection.execute(_GET, values).scalar()
        except SQLAlchemyError:
            return None
        self._remember(kind, key, found or None)
        return found or None

    def put(
        self, kind: str, key: str, value: bytes, expires: float, due: float | None = None
    ) -> None:
        """Keep a value until ``expires``, to be looked at when ``due`` (epoch seconds)."""
        self._remember(kind, key, value)
        row = {"kind": kind, "key": key, "value": value, "expires": expires, "due": due}
        self._writer.put(_PUT, row)

    def drop(self, kind: str, key: str) -> None:
        """Forget a value."""
        # An empty value that has expired: in one batch, the last write of a key must win.
        self._remember(kind, key, None)
        row = {"kind": kind, "key": key, "value": b"", "expires": 0.0, "due": None}
        self._writer.put(_PUT, row)

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

    def expire(self, now: float) -> None:
        """Remove a step's worth of what has expired."""
        old = select(_MEMORY.c.kind, _MEMORY.c.key).where(_MEMORY.c.expires < now).limit(500)
        with self._engine.begin() as connection:
            for kind, key in connection.execute(old).all():
                connection.execute(_DROP, {"of_kind": kind, "of_key": key})

    def _remember(self, kind: str, key: str, value: bytes | None) -> None:
        with self._lock:
            self._cache[kind, key] = value
            self._cache.move_to_end((kind, key))
            if len(self._cache) > CACHED:
                self._cache.popitem(last=False)
