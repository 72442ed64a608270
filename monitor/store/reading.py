"""A state folder's database, read only: beside a relay that runs, or without one."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from sqlalchemy import Engine, create_engine
from sqlalchemy.exc import DatabaseError

from monitor.filter.order import Place
from monitor.record import Record
from monitor.store.database import FILE, StoreError, schema_of
from monitor.store.entries import Entries
from monitor.store.history import Past
from monitor.store.migrations import SCHEMA

if TYPE_CHECKING:
    from monitor.store.shared import SharedPast

SLICE = 2_000  # records that are in memory at once


class Reading:
    """Nothing is written, made or brought up to date. Raises StoreError where it cannot be read.

    With ``database``, a URL, it is the history of all the relays that share it.
    """

    def __init__(self, state: Path, database: str = "") -> None:
        self._engine = _open(state / FILE)
        self.past = Past(self._engine)
        self.entries = Entries(self._engine)
        self._shared: SharedPast | None = None
        if database:
            # Not for those who do without it: its driver need not be installed.
            from monitor.store.shared import SharedEntries, SharedPast, origin_of

            self.past = self._shared = SharedPast(database, self.past)
            self.entries = SharedEntries(self._engine, origin_of(self._engine))

    @property
    def origin(self) -> str:
        """Who this state folder is among those that share a database; "" where it never did."""
        from monitor.store.shared import origin_of  # as above

        return origin_of(self._engine)

    def records(self, since: float) -> Iterator[Record]:
        """What ended after ``since`` (epoch seconds), oldest first, late findings included."""
        past: Place | None = Place(since, since)
        while past:
            records, past = self.past.slice("ended", False, past, SLICE)
            yield from records

    def close(self) -> None:
        """Let go of the file."""
        if self._shared:
            self._shared.close()
        self._engine.dispose()


def _open(path: Path) -> Engine:
    if not path.exists():
        raise StoreError(f"{path}: there is no history; name the relay's folder with --state")

    def connect() -> sqlite3.Connection:
        where = f"file:{quote(str(path))}?mode=ro"
        connection = sqlite3.connect(where, uri=True, check_same_thread=False)
        connection.execute("PRAGMA busy_timeout=5000")
        return connection

    engine = create_engine(f"sqlite:///{path}", creator=connect)
    try:
        with engine.connect() as connection:
            found = schema_of(connection, path)
        if found != SCHEMA:
            raise StoreError(
                f"{path}: was written by an older mxtap; its relay will bring it up to date"
            )
    except DatabaseError as error:
        engine.dispose()
        raise StoreError(f"{path}: cannot be read: {error.orig}") from None
    except StoreError:
        engine.dispose()
        raise
    return engine
