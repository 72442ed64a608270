"""Everything the screens know, folded from a feed's updates."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from monitor.control.protocol import (
    Entry,
    Jumped,
    LateUpdate,
    Link,
    ListsUpdate,
    Missed,
    RecordUpdate,
    Status,
    Update,
)
from monitor.record import Record
from monitor.ui.state.rates import Rates
from monitor.ui.state.senders import Senders
from monitor.ui.state.window import Window

__all__ = ["Model"]


class Model:
    """The state of the screen. ``version`` grows with every change of it.

    ``missed`` is true when updates are known to be lost, at ``missed_since`` or after it:
    the caller fetches history and calls :meth:`caught_up`. So it does after a jump of a
    replay, which makes all records void; ``jumps`` counts those.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.window = Window()
        self.senders = Senders()
        self.rates = Rates()
        self.status: Status | None = None
        self.entries: tuple[Entry, ...] = ()
        self.link = Link(True)
        self.missed = False
        self.missed_since: datetime | None = None
        self.jumps = 0
        self.version = 0

    def take(self, update: Update) -> None:
        """Take one update."""
        self.version += 1
        match update:
            case RecordUpdate(record=record):
                if record.id not in self.window:
                    self._count(record)
                    self.window.add(record, self.clock())
            case LateUpdate(late=late):
                self.window.late(late, self.clock())
            case ListsUpdate(entries=entries):
                self.entries = entries
            case Status():
                self.status = update
            case Missed():
                self._lost()
                self.missed = True
            case Jumped():
                self._void()
                self.missed = True
            case Link(up=True):
                self.missed |= not self.link.up
                self.link = update
            case Link():
                self._lost()
                self.link = update

    def caught_up(self, records: Iterable[Record]) -> None:
        """Take what history tells of the time that was missed; the order does not matter."""
        fresh = [r for r in records if r.id not in self.window]
        for record in sorted(fresh, key=lambda r: r.ended):
            self._count(record)
        self.window.merge(fresh, self.clock())
        self.version += 1

    def _void(self) -> None:
        self.jumps += 1
        self.window.void()
        self.senders = Senders()
        self.rates = Rates()
        self.missed_since = None

    def _lost(self) -> None:
        newest = self.window.newest()
        if self.missed_since is None and newest is not None:
            self.missed_since = newest.ended

    def _count(self, record: Record) -> None:
        self.senders.add(record)
        self.rates.add(record)
