"""Lists, written through: durable before the call returns."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine, func, insert, or_, select, text, update
from sqlalchemy.exc import SQLAlchemyError

from monitor.policy.canonical import canonical
from monitor.policy.entry import ACTIONS, KINDS, Draft, Entry
from monitor.store.database import StoreError
from monitor.store.models import EntryRow
from monitor.text import printable

_ENTRIES: Any = EntryRow.__table__  # type: ignore[attr-defined]
MAX_REASON = 500  # characters


class Entries:
    """Bans and allowances in the database."""

    def __init__(self, engine: Engine, clock: Callable[[], float] = time.time) -> None:
        self._engine = engine
        self._clock = clock

    def in_force(self) -> list[Entry]:
        """The entries that hold now, oldest first."""
        holds = or_(_ENTRIES.c.expires.is_(None), _ENTRIES.c.expires > self._clock())
        query = select(_ENTRIES).where(_ENTRIES.c.ended.is_(None), holds).order_by(_ENTRIES.c.id)
        with self._engine.connect() as connection:
            return [entry_of(row) for row in connection.execute(query)]

    def trail(self, limit: int) -> list[Entry]:
        """The last ``limit`` entries that were added, those past included, oldest first."""
        query = select(_ENTRIES).order_by(_ENTRIES.c.id.desc()).limit(limit)
        with self._engine.connect() as connection:
            return [entry_of(row) for row in connection.execute(query)][::-1]

    def version(self) -> tuple[float, ...]:
        """Something that differs after another process changed the lists."""
        query = select(func.count(), func.max(_ENTRIES.c.id), func.max(_ENTRIES.c.ended))
        with self._engine.connect() as connection:
            count, last, ended = connection.execute(query.select_from(_ENTRIES)).one()
        return count, last or 0, ended or 0.0

    def add(self, draft: Draft, by: str) -> Entry:
        """Add an entry. Raises ValueError for nonsense, StoreError where it cannot be kept."""
        if draft.kind not in KINDS or draft.action not in ACTIONS:
            raise ValueError(f"kind is one of {', '.join(KINDS)}; action of {', '.join(ACTIONS)}")
        if draft.lifetime is not None and not 0 < draft.lifetime < 100 * 365 * 86400:
            raise ValueError("the lifetime must be more than nothing and under a century")
        now = self._clock()
        values = {
            "list": draft.list,
            "kind": draft.kind,
            "value": canonical(draft.kind, draft.value),
            "action": draft.action,
            "reason": printable(draft.reason, MAX_REASON),
            "by": by,
            "created": now,
            "expires": now + draft.lifetime if draft.lifetime is not None else None,
            "hits": 0,
        }
        return self._change(insert(_ENTRIES).values(values).returning(*_ENTRIES.c))

    def end(self, entry_id: int, by: str) -> Entry:
        """End an entry. Raises ValueError where no such entry is in force."""
        change = (
            update(_ENTRIES)
            .where(_ENTRIES.c.id == entry_id, _ENTRIES.c.ended.is_(None))
            .values(ended=self._clock(), ended_by=by)
            .returning(*_ENTRIES.c)
        )
        return self._change(change, f"no entry {entry_id} is in force")

    def count_hits(self, hits: Iterable[tuple[int, int]]) -> None:
        """Add to the hit counts: pairs of an entry's id and how often it held."""
        change = update(_ENTRIES)
        with self._engine.begin() as connection:
            for entry_id, count in hits:
                connection.execute(
                    change.where(_ENTRIES.c.id == entry_id).values(hits=_ENTRIES.c.hits + count)
                )

    def _change(self, statement: Any, missing: str = "") -> Entry:
        try:
            with self._engine.connect() as connection:
                connection.execute(text("PRAGMA synchronous=FULL"))
                row = connection.execute(statement).one_or_none()
                connection.commit()
                connection.execute(text("PRAGMA synchronous=NORMAL"))
        except SQLAlchemyError as error:
            reason = getattr(error, "orig", error)
            raise StoreError(f"the list could not be written: {reason}") from None
        if row is None:
            raise ValueError(missing)
        return entry_of(row)


def entry_of(row: Any) -> Entry:
    """The entry that a row of the table stands for."""
    return Entry(
        id=row.id,
        list=row.list,
        kind=row.kind,
        value=row.value,
        action=row.action,
        reason=row.reason,
        by=row.by,
        created=_time(row.created),
        expires=_time(row.expires) if row.expires is not None else None,
        ended=_time(row.ended) if row.ended is not None else None,
        ended_by=row.ended_by or "",
        hits=row.hits,
    )


def _time(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)
