"""What several relays share in one PostgreSQL: lists, memory and history.

Each relay is whole without it: its own database has a copy of lists and memory, and its own
history, and nothing of the mail ever waits for the shared one. A thread keeps the two in step.
"""

from __future__ import annotations

import secrets
from typing import Any

from sqlalchemy import Engine, select
from sqlalchemy.dialects.sqlite import insert

from monitor.store.database import StoreError

try:
    import psycopg  # noqa: F401
except ImportError:
    raise StoreError("database: needs a driver: pip install 'mxtap[postgresql]'") from None

from monitor.store.history import Past
from monitor.store.memory import StoredMemory
from monitor.store.models import Meta
from monitor.store.shared.entries import SharedEntries
from monitor.store.shared.exchange import Exchange
from monitor.store.shared.outbox import Outbox
from monitor.store.shared.past import SharedPast
from monitor.store.shared.receiving import Receiving
from monitor.store.shared.sending import Sending
from monitor.store.shared.telling import Telling
from monitor.store.writer import Writer

__all__ = ["Shared", "SharedEntries", "SharedPast", "origin_of"]

_META: Any = Meta.__table__  # type: ignore[attr-defined]


class Shared:
    """Everything of it, for the store. Raises StoreError where we must not use the database."""

    def __init__(
        self,
        url: str,
        name: str,
        engine: Engine,
        writer: Writer,
        memory: StoredMemory,
        history: Past,
    ) -> None:
        origin = _made_origin(engine)
        outbox = Outbox(engine, self._wake)
        self.entries = SharedEntries(engine, origin, self._lists_changed)
        self.past = SharedPast(url, history, lambda: self.exchange.up)
        self.telling = Telling(origin, self.entries, outbox, Sending(engine, origin))
        receiving = Receiving(engine, writer, memory, self.entries, outbox, origin, name)
        self.exchange = Exchange(url, origin, name, self.telling, receiving)
        memory.tell = outbox.put
        writer.after_write(self.exchange.history_written)
        self.exchange.start()

    @property
    def problems(self) -> list[str]:
        """What an operator should know, in sentences."""
        problem = self.exchange.problem
        waiting, dropped = self.telling.waiting, self.telling.dropped
        if problem and waiting:
            problem += f"; {waiting} changes wait for it"
        lost = f"{dropped} changes never reached the shared database" if dropped else ""
        return [problem, lost]

    def close(self, seconds: float = 3.0) -> None:
        """Tell what waits, unless that takes longer than ``seconds``; it is kept otherwise."""
        self.exchange.stop(seconds)
        self.past.close()

    def _wake(self) -> None:
        self.exchange.wake()

    def _lists_changed(self) -> None:
        self.exchange.lists_changed()


def origin_of(engine: Engine) -> str:
    """Who this state folder is among those that share; "" where it never did."""
    with engine.connect() as connection:
        query = select(_META.c.value).where(_META.c.key == "origin")
        return connection.execute(query).scalar() or ""


def _made_origin(engine: Engine) -> str:
    with engine.begin() as connection:
        made = insert(_META).values(key="origin", value=secrets.token_hex(8))
        connection.execute(made.on_conflict_do_nothing())
    return origin_of(engine)
