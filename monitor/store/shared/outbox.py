"""Changes of memory on their way to other relays: the last one of each key."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Engine, delete, func, select
from sqlalchemy.dialects.sqlite import insert

from monitor.store.models import UnsentRow

_UNSENT: Any = UnsentRow.__table__  # type: ignore[attr-defined]
_NEW = insert(_UNSENT)
_KEEP = _NEW.on_conflict_do_update(
    index_elements=["kind", "key"],
    set_={name: _NEW.excluded[name] for name in ("value", "expires", "due", "written")},
    where=_UNSENT.c.written <= _NEW.excluded.written,
)
BOUND = 1_000_000  # changes that may wait for the shared database to come back
TICK = 1e-6  # seconds between two stamps at least

Change = dict[str, Any]  # a row of UnsentRow


class Outbox:
    """What waits is in the process, and in a table while the shared database is away.

    Stamps order the changes of a key, whoever makes them: a relay's own are later than all
    that it has heard of, whatever the clocks say.
    """

    def __init__(
        self,
        engine: Engine,
        changed: Callable[[], None],
        bound: int = BOUND,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._engine = engine
        self._changed = changed
        self._bound = bound
        self._clock = clock
        self._lock = threading.Lock()
        self._waiting: dict[tuple[str, str], Change] = {}
        self._stamp = 0.0
        self._kept = self._count()
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._waiting) + self._kept

    def put(
        self, kind: str, key: str, value: bytes, expires: float, due: float | None = None
    ) -> None:
        """Tell the others of a change, soon. Never blocks for long and never raises."""
        with self._lock:
            self._stamp = max(self._clock(), self._stamp + TICK)
            if (kind, key) not in self._waiting and len(self) >= self._bound:
                self.dropped += 1
                return
            self._waiting[kind, key] = {
                "kind": kind, "key": key, "value": value, "expires": expires, "due": due,
                "written": self._stamp,
            }  # fmt: skip
        self._changed()

    def heard(self, kind: str, key: str, written: float) -> bool:
        """Another relay's change came; False where ours, that still waits, is the later one."""
        with self._lock:
            self._stamp = max(self._stamp, written)
            ours = self._waiting.get((kind, key))
            return ours is None or ours["written"] < written

    def take(self, most: int) -> list[Change]:
        """Up to ``most`` changes, for :meth:`sent` or :meth:`keep`."""
        with self._lock:
            keys = [key for key, _ in zip(self._waiting, range(most), strict=False)]
            taken = [self._waiting.pop(key) for key in keys]
        return taken + self._read(most - len(taken))

    def keep(self, changes: Sequence[Change]) -> None:
        """Keep changes that could not be sent, and all that wait. Raises SQLAlchemyError."""
        with self._lock:
            rows = [*changes, *self._waiting.values()]
            self._waiting = {}
        if rows:
            with self._engine.begin() as connection:
                connection.execute(_KEEP, rows)
            self._kept = self._count()

    def sent(self, changes: Sequence[Mapping[str, Any]]) -> None:
        """Forget what was kept of these. Raises SQLAlchemyError."""
        if not self._kept:
            return
        with self._engine.begin() as connection:
            for row in changes:
                gone = connection.execute(
                    delete(_UNSENT).where(
                        _UNSENT.c.kind == row["kind"],
                        _UNSENT.c.key == row["key"],
                        _UNSENT.c.written <= row["written"],
                    )
                )
                self._kept -= gone.rowcount

    def _read(self, most: int) -> list[Change]:
        if not self._kept or not most:
            return []
        with self._engine.connect() as connection:
            return [dict(row) for row in connection.execute(select(_UNSENT).limit(most)).mappings()]

    def _count(self) -> int:
        with self._engine.connect() as connection:
            return connection.execute(select(func.count()).select_from(_UNSENT)).scalar_one()
