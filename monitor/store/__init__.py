"""The store: history, lists and memory in one database in the state folder."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from monitor.policy.entry import Entry
from monitor.store.database import StoreError, damaged, open_database
from monitor.store.entries import Entries
from monitor.store.history import History, Past
from monitor.store.memory import StoredMemory
from monitor.store.writer import Writer

if TYPE_CHECKING:
    from monitor.store.shared import Shared

__all__ = ["Store", "StoreError"]

PRUNING = 0.05  # seconds at a time: what is to be written waits meanwhile


class Store:
    """One open database. Raises StoreError where it cannot be used.

    With ``database``, a URL, what several relays share goes there too; ``relay`` is our name
    among them.
    """

    def __init__(self, state: Path, database: str = "", relay: str = "") -> None:
        self._engine = open_database(state)
        self._damaged = damaged(state)
        self.writer = Writer(self._engine)
        self.history = History(self._engine, self.writer)
        self.memory = StoredMemory(self._engine, self.writer)
        self.shared: Shared | None = None
        if database:
            try:
                self.shared = self._share(database, relay)
            except StoreError:
                self.close()
                raise
        self.entries = self.shared.entries if self.shared else Entries(self._engine)
        self.past: Past = self.shared.past if self.shared else self.history  # of all relays

    def _share(self, database: str, relay: str) -> Shared:
        # Not for those who do without it: its driver need not be installed.
        from monitor.store.shared import Shared

        return Shared(database, relay, self._engine, self.writer, self.memory, self.history)

    @property
    def problems(self) -> list[str]:
        """What an operator should know, in sentences."""
        dropped = self.writer.dropped
        problems = [
            self.writer.problem,
            f"{dropped} rows of history were dropped" if dropped else "",
            f"{self._damaged[-1]} was damaged: make its bans anew, and move it away"
            if self._damaged
            else "",
            *(self.shared.problems if self.shared else ()),
        ]
        return [problem for problem in problems if problem]

    def flush(self) -> None:
        """Have what happened until now be found in ``past``, as far as that is possible soon."""
        self.writer.flush()
        if self.shared:
            self.shared.exchange.settle(1.0)

    def settled(self, entry: Entry) -> Entry:
        """An entry that was just made, with the id that all relays know it by, if that is soon."""
        if self.shared is None or entry.id > 0:
            return entry
        self.shared.exchange.settle(1.0)
        return msgspec.structs.replace(entry, id=self.shared.entries.settled(entry.id))

    def prune(self, now: float, keep: float, remembered: int) -> bool:
        """What expired by ``now``, and what ended more than ``keep`` s ago (0: never).

        As many steps as may be at a time; True where more is left.
        """
        self.memory.expire(now, remembered)
        if self.shared:
            self.shared.exchange.prune(now, keep, remembered)
        ends = time.monotonic() + PRUNING
        while keep and self.history.prune(now - keep):
            if time.monotonic() >= ends:
                return True
        return False

    def close(self) -> None:
        """Write what waits and close."""
        self.writer.close()
        if self.shared:
            self.shared.close()
        self.memory.close()
        self._engine.dispose()
