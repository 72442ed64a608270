"""The store: history, lists and memory in one database in the state folder."""

from __future__ import annotations

from pathlib import Path

from monitor.store.database import StoreError, open_database
from monitor.store.entries import Entries
from monitor.store.history import History
from monitor.store.memory import StoredMemory
from monitor.store.writer import Writer

__all__ = ["Store", "StoreError"]


class Store:
    """One open database. Raises StoreError where it cannot be used."""

    def __init__(self, state: Path) -> None:
        self._engine = open_database(state)
        self.writer = Writer(self._engine)
        self.history = History(self._engine, self.writer)
        self.entries = Entries(self._engine)
        self.memory = StoredMemory(self._engine, self.writer)

    def close(self) -> None:
        """Write what waits and close."""
        self.writer.close()
        self.memory.close()
        self._engine.dispose()
