"""The rows of the live table: the newest in memory, others as they are asked for.

It shows the live rows, older ones from history in front of them; or it is *away*: somewhere
in history, in any order, with rows to be had at both ends. Rows carry a number in the order
in which they stand. Memory is bounded by :data:`LIMIT` rows each way (a row is about 6 KB):
live rows fall out at the old end, rows of history at the end that nobody looks at.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from operator import attrgetter

import msgspec

from monitor.filter import Filter
from monitor.filter.order import Order, Page, Place, up_to
from monitor.record import Late, Record

__all__ = ["LIMIT", "Row", "Window"]

LIMIT = 5_000
_number = attrgetter("number")


@dataclass(slots=True, eq=False)
class Row:
    """A record in its place. ``edition`` counts what was added to it later."""

    number: int
    record: Record
    edition: int = 0


@dataclass(slots=True)
class Edge:
    """How far history was searched at one end: ``place`` where that is past the last row."""

    place: Place | None = None
    end: bool = False


class Window:
    """``shown`` are the rows that pass the filter, from the top down."""

    def __init__(self, limit: int = LIMIT) -> None:
        self.limit = limit
        self.shown: list[Row] = []
        self.filter: Filter | None = None
        self.order: Order = "ended"
        self.descending = False
        self.away = False
        self.unseen = 0  # rows that arrived while it was away
        self.held = False  # somebody reads there: rows must not run away
        self.complete = False  # history has nothing that is older than the live rows
        self._live: list[Row] = []
        self._older: list[Row] = []
        self._by_id: dict[str, Row] = {}
        self._top, self._bottom = Edge(), Edge()

    def __len__(self) -> int:
        return len(self._live)

    def __contains__(self, record_id: str) -> bool:
        return record_id in self._by_id

    def place(self, number: int) -> int:
        """Where in ``shown`` the row of this number stands, or the next below it."""
        return bisect_left(self.shown, number, key=_number)

    def newest(self) -> Record | None:
        """The newest record in memory."""
        return self._live[-1].record if self._live else None

    # -- live rows

    def add(self, record: Record, now: float) -> None:
        """Take a transaction that has just ended."""
        if record.id in self._by_id:
            return
        row = Row(self._live[-1].number + 1 if self._live else 0, record)
        self._live.append(row)
        self._by_id[record.id] = row
        if self.away:
            self.unseen += 1
        elif self._wanted(record, now):
            self.shown.append(row)
        # Trimmed in one go, so that a single row costs next to nothing.
        if len(self._live) > self.limit + max(1, self.limit // 20):
            self._trim(now)

    def void(self) -> None:
        """Let go of every row; the filter and who reads where stay."""
        self._live, self._by_id, self.complete = [], {}, False
        self.rejoin(0.0)

    def late(self, late: Late, now: float) -> None:
        """Add findings to a row that is in memory."""
        row = self._by_id.get(late.about)
        if row is None:
            return
        findings = (*row.record.findings, *late.findings)
        row.record = msgspec.structs.replace(row.record, findings=findings)
        row.edition += 1
        if self.filter is None or self.away:
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
        merged = sorted([*(row.record for row in self._live), *fresh], key=lambda r: r.ended)
        self.complete &= len(merged) <= self.limit
        self._live = [Row(number, record) for number, record in enumerate(merged[-self.limit :])]
        self._by_id = {row.record.id: row for row in self._live}
        if not self.away:
            self.rejoin(now)

    def refilter(self, wanted: Filter | None, now: float) -> None:
        """Show what passes another filter: of the live rows, until history is asked."""
        self.filter = wanted
        self.rejoin(now)

    def rejoin(self, now: float) -> None:
        """Let go of history, back to the live rows in the order of time."""
        self.order, self.descending, self.away, self.unseen = "ended", False, False, 0
        self._older = []
        self._top, self._bottom = Edge(), Edge()
        self.shown = [row for row in self._live if self._wanted(row.record, now)]

    # -- history

    def depart(self, page: Page, order: Order, *, descending: bool, top: bool) -> None:
        """Go away: show ``page``, which begins at one end of an order."""
        self.order, self.descending, self.away, self.unseen = order, descending, True, 0
        self._older = []
        self._top, self._bottom = Edge(end=top), Edge(end=not top)
        self.shown = []
        self.extend(page, top=not top)

    def beyond(self, *, top: bool) -> tuple[Place | None, bool] | None:
        """From where to ask history at one end, and whether backward; None at its very end."""
        edge = self._top if top else self._bottom
        if edge.end or (not self.away and (not top or self.complete)):
            return None
        backward = top != self.descending
        rows = self.shown if self.away else self._older or self._live
        if edge.place is None and rows:
            return up_to(rows[0 if top else -1].record, self.order, backward), backward
        return edge.place, backward

    def searched(self, *, top: bool) -> Place | None:
        """How far beyond the last row at one end history was searched; None where it was not."""
        return (self._top if top else self._bottom).place

    def extend(self, page: Page, *, top: bool) -> int:
        """Put what history gave at one end; how many were new."""
        edge = self._top if top else self._bottom
        edge.place = page.reached
        # The end of time is not for ever: more will come.
        edge.end = page.reached is None and not (self.order == "ended" and top == self.descending)
        known = {row.record.id for row in (self.shown if self.away else self._older)}
        fresh = [r for r in page.records if r.id not in known]
        if not self.away:
            fresh = [r for r in fresh if r.id not in self._by_id]
        if not top:
            last = self.shown[-1].number if self.shown else 0
            self.shown += [Row(last + i, record) for i, record in enumerate(fresh, 1)]
            self._cut(top=True)
            return len(fresh)
        first = min((rows[0].number for rows in (self.shown, self._live) if rows), default=0)
        rows = [Row(first - i, record) for i, record in enumerate(fresh, 1)][::-1]
        self.shown[:0] = rows
        if not self.away:
            self._older[:0] = rows
        self._cut(top=False)
        return len(rows)

    def _cut(self, *, top: bool) -> None:
        """Forget rows at one end, where there are too many."""
        if not self.away and len(self._older) > self.limit:
            if self.held:  # so far back that the live rows are let go
                self.shown, self._older = self._older, []
                self.away, self.unseen, top = True, 0, False
            else:
                del self._older[: -self.limit]
                del self.shown[: self.place(self._older[0].number)]
                self._top = Edge()
        extra = len(self.shown) - self.limit
        if self.away and extra > 0:
            del self.shown[slice(extra) if top else slice(-extra, None)]
            if top:
                self._top = Edge()
            else:
                self._bottom = Edge()

    # -- inside

    def _wanted(self, record: Record, now: float) -> bool:
        return self.filter is None or self.filter.matches(record, now)

    def _trim(self, now: float) -> None:
        cut = self._live[: len(self._live) - self.limit]
        del self._live[: len(cut)]
        for row in cut:
            del self._by_id[row.record.id]
        self.complete = False
        if self.away:
            return
        if self._older or self._top.place or self.held:  # leave no gap
            self._older.extend(row for row in cut if self._wanted(row.record, now))
            self._cut(top=False)
            return
        self._top = Edge()
        del self.shown[: self.place(self._live[0].number)]
