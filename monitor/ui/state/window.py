"""The rows of the live table: the newest in memory, older ones as they are asked for.

Rows stand in the order in which their transactions ended, the newest last, and carry a
number in that order. Memory is bounded by :data:`LIMIT` rows on each side (a row is about
6 KB): live rows fall out at the old end, and rows that were fetched from history fall out
at the new end, where the window is then *torn* from the live ones until it is rejoined.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter

import msgspec

from monitor.filter import Filter
from monitor.record import Late, Record

__all__ = ["LIMIT", "Row", "Window"]

LIMIT = 20_000
_SLACK = LIMIT // 20  # trimmed in one go, so that a single row costs next to nothing
_number = attrgetter("number")


@dataclass(slots=True, eq=False)
class Row:
    """A record in its place. ``edition`` counts what was added to it later."""

    number: int
    record: Record
    edition: int = 0


class Window:
    """``shown`` are the rows that pass the filter, older ones from history in front."""

    def __init__(self, limit: int = LIMIT) -> None:
        self.limit = limit
        self.shown: list[Row] = []
        self.filter: Filter | None = None
        self.torn = False
        self.unseen = 0  # rows that arrived since the window was torn
        self._live: list[Row] = []
        self._older: list[Row] = []
        self._by_id: dict[str, Row] = {}

    def __len__(self) -> int:
        return len(self._live)

    def place(self, number: int) -> int:
        """Where in ``shown`` the row of this number stands, or the next newer one."""
        return bisect_left(self.shown, number, key=_number)

    def oldest(self) -> Record | None:
        """The oldest record that is shown, else the oldest in memory."""
        rows = self.shown or self._live
        return rows[0].record if rows else None

    def newest(self) -> Record | None:
        """The newest record in memory."""
        return self._live[-1].record if self._live else None

    def __contains__(self, record_id: str) -> bool:
        return record_id in self._by_id

    def add(self, record: Record, now: float) -> None:
        """Take a transaction that has just ended."""
        if record.id in self._by_id:
            return
        row = Row(self._live[-1].number + 1 if self._live else 0, record)
        self._live.append(row)
        self._by_id[record.id] = row
        if self.torn:
            self.unseen += 1
        elif self._wanted(record, now):
            self.shown.append(row)
        if len(self._live) > self.limit + max(1, min(_SLACK, self.limit // 20)):
            self._trim(now)

    def late(self, late: Late, now: float) -> None:
        """Add findings to a row that is in memory."""
        row = self._by_id.get(late.about)
        if row is None:
            return
        findings = (*row.record.findings, *late.findings)
        row.record = msgspec.structs.replace(row.record, findings=findings)
        row.edition += 1
        if self.filter is None or self.torn:
            return
        place = self.place(row.number)
        there = place < len(self.shown) and self.shown[place] is row
        if self._wanted(row.record, now) and not there:
            self.shown.insert(place, row)

    def merge(self, records: Iterable[Record], now: float) -> None:
        """Take records that were missed, in their places among the live ones."""
        fresh = [r for r in records if r.id not in self._by_id]
        if not fresh:
            return
        known = [row.record for row in self._live]
        self._live = []
        self._by_id.clear()
        merged = sorted([*known, *fresh], key=lambda r: r.ended)
        for record in merged[-self.limit :]:
            row = Row(len(self._live), record)
            self._live.append(row)
            self._by_id[record.id] = row
        self.refilter(self.filter, now)

    def refilter(self, wanted: Filter | None, now: float) -> None:
        """Show what passes another filter, of the rows in memory."""
        self.filter = wanted
        self.rejoin(now)

    def rejoin(self, now: float) -> None:
        """Let go of history, back to the live rows."""
        self._older = []
        self.torn = False
        self.unseen = 0
        self.shown = [row for row in self._live if self._wanted(row.record, now)]

    def prepend(self, records: Sequence[Record]) -> int:
        """Put older records, newest first, in front; how many were new."""
        known = {row.record.id for row in self._older}
        fresh = [r for r in records if r.id not in known and r.id not in self._by_id]
        if not fresh:
            return 0
        first = self.shown[0].number if self.shown else 0
        if self._live:
            first = min(first, self._live[0].number)
        rows = [Row(first - i, record) for i, record in enumerate(fresh, 1)]
        rows.reverse()
        self._older[:0] = rows
        self.shown[:0] = rows
        self._tear()
        return len(rows)

    def _wanted(self, record: Record, now: float) -> bool:
        return self.filter is None or self.filter.matches(record, now)

    def _trim(self, now: float) -> None:
        cut = self._live[: len(self._live) - self.limit]
        del self._live[: len(cut)]
        for row in cut:
            del self._by_id[row.record.id]
        if self.torn:
            return
        if self._older:  # somebody reads there: leave no gap
            self._older.extend(row for row in cut if self._wanted(row.record, now))
            self._tear()
            return
        del self.shown[: self.place(self._live[0].number)]

    def _tear(self) -> None:
        if len(self._older) > self.limit:
            del self._older[self.limit :]
            self.shown = list(self._older)
            self.torn = True
