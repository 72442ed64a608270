"""Lists of several relays: what they share in a copy of our own, and what is still only ours.

An entry is made here first, durable and in force at once, under a negative id. As soon as the
shared database has it, it is known under the id that it got there, to every relay.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, func, or_, select, update
from sqlalchemy.dialects.sqlite import insert

from monitor.policy.entry import Draft, Entry
from monitor.store.entries import Entries, entry_of
from monitor.store.models import EntryRow, SharedEntryRow

_OWN: Any = EntryRow.__table__  # type: ignore[attr-defined]
_COPY: Any = SharedEntryRow.__table__  # type: ignore[attr-defined]
_NEW = insert(_COPY)
_TAKE = _NEW.on_conflict_do_update(
    index_elements=["id"],
    set_={
        "hits": _NEW.excluded.hits,
        "ended": func.coalesce(_COPY.c.ended, _NEW.excluded.ended),
        "ended_by": func.coalesce(_COPY.c.ended_by, _NEW.excluded.ended_by),
    },
)


class SharedEntries(Entries):
    """Bans and allowances of all relays; ``origin`` is who we are among them."""

    def __init__(
        self, engine: Engine, origin: str, changed: Callable[[], None] = lambda: None
    ) -> None:
        super().__init__(engine)
        self._origin = origin
        self._changed = changed
        self._hits: Counter[int] = Counter()
        self._lock = threading.Lock()
        # Ours that the others know under another id are in the copy.
        known = select(_COPY.c.own).where(_COPY.c.origin == origin)
        self._only_ours = _OWN.c.id.not_in(known)

    # What the hub asks

    def in_force(self) -> list[Entry]:
        """The entries that hold now, oldest first."""
        now = self._clock()
        found = [
            *self._read(_COPY, _holds(_COPY, now)),
            *self._read(_OWN, self._only_ours, _holds(_OWN, now)),
        ]
        return sorted(found, key=lambda entry: entry.created)

    def trail(self, limit: int) -> list[Entry]:
        """The last ``limit`` entries that were added, those past included, oldest first."""
        found = [
            *self._read(_COPY, limit=limit),
            *self._read(_OWN, self._only_ours, limit=limit),
        ]
        return sorted(found, key=lambda entry: entry.created)[-limit:]

    def version(self) -> tuple[float, ...]:
        """Something that differs after the lists changed, here or elsewhere."""
        asked = (
            select(func.count(), func.max(table.c.id), func.max(table.c.ended)).select_from(table)
            for table in (_OWN, _COPY)
        )
        with self._engine.connect() as connection:
            return tuple(value or 0 for query in asked for value in connection.execute(query).one())

    def add(self, draft: Draft, by: str) -> Entry:
        """Add an entry. Raises ValueError for nonsense, StoreError where it cannot be kept."""
        added = super().add(draft, by)
        self._changed()
        return msgspec.structs.replace(added, id=-added.id)

    def end(self, entry_id: int, by: str) -> Entry:
        """End an entry. Raises ValueError where no such entry is in force."""
        shared = entry_id if entry_id > 0 else self.settled(entry_id)
        if shared <= 0:
            ended = super().end(-entry_id, by)
            return msgspec.structs.replace(ended, id=entry_id)
        change = (
            update(_COPY)
            .where(_COPY.c.id == shared, _COPY.c.ended.is_(None))
            .values(ended=self._clock(), ended_by=by, unsent=True)
            .returning(*_COPY.c)
        )
        entry = self._change(change, f"no entry {entry_id} is in force")
        self._changed()
        return entry

    def count_hits(self, hits: Iterable[tuple[int, int]]) -> None:
        """Add to the hit counts: pairs of an entry's id and how often it held."""
        given = dict(hits)
        super().count_hits((-entry, count) for entry, count in given.items() if entry < 0)
        self.count_again({entry: count for entry, count in given.items() if entry > 0})
        self._changed()

    def settled(self, entry_id: int) -> int:
        """The id that all relays know an entry by; ``entry_id`` itself where it is only ours."""
        query = select(_COPY.c.id).where(_COPY.c.origin == self._origin, _COPY.c.own == -entry_id)
        with self._engine.connect() as connection:
            return connection.execute(query).scalar() or entry_id

    # What the exchange asks

    def only_ours(self, most: int) -> list[Mapping[str, Any]]:
        """Up to ``most`` rows that the others do not know yet, and that hold."""
        query = select(_OWN).where(self._only_ours, _holds(_OWN, self._clock())).limit(most)
        with self._engine.connect() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def ended_here(self, most: int) -> list[Mapping[str, Any]]:
        """Up to ``most`` rows of the copy whose end the others have not heard of."""
        with self._engine.connect() as connection:
            query = select(_COPY).where(_COPY.c.unsent).limit(most)
            return [dict(row) for row in connection.execute(query).mappings()]

    def told(self, ended: Iterable[int]) -> None:
        """The others have heard of the end of these."""
        with self._engine.begin() as connection:
            for entry_id in ended:
                connection.execute(update(_COPY).where(_COPY.c.id == entry_id).values(unsent=False))

    def hits(self) -> Counter[int]:
        """How often entries held here since this was asked last."""
        with self._lock:
            hits, self._hits = self._hits, Counter()
        return hits

    def count_again(self, hits: Mapping[int, int]) -> None:
        """These hits are still to be told."""
        with self._lock:
            self._hits.update(hits)

    def take(self, rows: list[Mapping[str, Any]]) -> None:
        """Bring the copy up to date. Raises SQLAlchemyError."""
        mine = {row["own"]: row for row in rows if row["origin"] == self._origin}
        with self._engine.begin() as connection:
            connection.execute(_TAKE, [{**row, "unsent": False} for row in rows])
            ours = connection.execute(select(_OWN).where(_OWN.c.id.in_(mine))).all()
            news = [_end_in_both(connection, own, mine[own.id]) for own in ours]
        if any(news):
            self._changed()

    def _read(self, table: Any, *where: Any, limit: int | None = None) -> list[Entry]:
        query = select(table).where(*where).order_by(table.c.id.desc()).limit(limit)
        with self._engine.connect() as connection:
            found = [entry_of(row) for row in connection.execute(query)]
        if table is _OWN:
            return [msgspec.structs.replace(entry, id=-entry.id) for entry in found]
        return found


def _end_in_both(connection: Connection, own: Any, copied: Mapping[str, Any]) -> bool:
    """Where one of the two has ended, the other does too; whether the others do not know it."""
    if own.ended is None and copied["ended"] is not None:
        end = {"ended": copied["ended"], "ended_by": copied["ended_by"]}
        connection.execute(update(_OWN).where(_OWN.c.id == own.id).values(end))
    elif own.ended is not None and copied["ended"] is None:
        # While it was on its way, or before the shared database was set back.
        end = {"ended": own.ended, "ended_by": own.ended_by, "unsent": True}
        connection.execute(update(_COPY).where(_COPY.c.id == copied["id"]).values(end))
        return True
    return False


def _holds(table: Any, now: float) -> Any:
    return table.c.ended.is_(None) & or_(table.c.expires.is_(None), table.c.expires > now)
