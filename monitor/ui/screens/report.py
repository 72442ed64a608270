"""A sender's report card, or those of two side by side."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual.binding import BindingType
from textual.widget import Widget
from textual.widgets import Static

from monitor.control.feed import FeedError
from monitor.insight.cards import Report
from monitor.ui.cells import safe
from monitor.ui.desk import Desk
from monitor.ui.draw.card import ONE, TWO, Row, draw_head, draw_row, row_cells, rows_of
from monitor.ui.draw.columns import Column
from monitor.ui.keymap import bindings
from monitor.ui.look import Look
from monitor.ui.screens.meant import MeantScreen
from monitor.ui.screens.session import SessionScreen
from monitor.ui.widgets.lines import Lines
from monitor.ui.widgets.listing import Listing

__all__ = ["ReportScreen"]


class ReportScreen(MeantScreen):
    """Grades on top, the faults with what each costs, and below what the cursor is on."""

    NAME = "report"
    AUTO_FOCUS = "Listing"
    BINDINGS: ClassVar[list[BindingType]] = bindings("report")

    def __init__(self, desk: Desk, look: Look, names: Sequence[str]) -> None:
        super().__init__(desk, look)
        self._names = tuple(names)
        self._report: Report | None = None
        self._days = 1  # of the spans
        self._drawn: object = None
        columns = TWO if len(names) > 1 else ONE
        self.table: Listing[Row] = Listing(columns, _key, self._cells, look)

    def body(self) -> Iterable[Widget]:
        """The three parts."""
        yield Lines(id="summary")
        yield self.table
        yield Lines(id="point")
        yield Static(id="empty", markup=False)

    def _cells(self, row: Row, columns: Sequence[Column]) -> dict[str, tuple[str, Style]]:
        return row_cells(row, self.look)

    def on_mount(self) -> None:
        """Ask at once."""
        self._ask_past()

    def _ask_past(self) -> None:
        self._report = None
        self._say(f"Going through {self.desk.span_words(self._days)} …")
        self.run_worker(self._fetch(), exclusive=True, group="study")

    async def _fetch(self) -> None:
        try:
            self._report = await self.desk.report(self._names, self._days)
        except FeedError as error:
            self._say(str(error))
        else:
            self.set_class(False, "-empty")
            self.restyle()
            rows = rows_of(self._report.senders)
            self.table.move(next((at for at, row in enumerate(rows) if row.code), 0))

    def _say(self, text: str) -> None:
        self.query_one("#empty", Static).update(Text(safe(text), self.look.palette.muted))
        self.set_class(True, "-empty")

    def restyle(self) -> None:
        """Draw all three."""
        if self._report:
            self.query_one("#summary", Lines).show(draw_head(self._report, self._names, self.look))
            self.table.set_items(rows_of(self._report.senders))
            self._drawn = None
            self._explain()

    def _explain(self) -> None:
        if self._report and self._drawn is not self.table.item:
            self._drawn = self.table.item
            told = draw_row(self.table.item, self._report.senders, self.look)
            self.query_one("#point", Lines).show(told)

    def on_line_table_moved(self) -> None:
        """Explain what the cursor is on now."""
        self._explain()

    # -- keys

    def meant_senders(self) -> Sequence[str]:
        """The one that the card is of, the first of two."""
        return [card.sender for card in self._report.senders[:1]] if self._report else ()

    def meant_bans(self) -> Sequence[str]:
        """A ban of its domain or network."""
        return [
            f"ban:{'net' if card.proof == 'network' else 'domain'}={card.sender}"
            for card in (self._report.senders if self._report else ())
        ]

    def action_open(self) -> None:
        """The newest of the sessions that show this fault; the others are a key away there."""
        row = self.table.item
        if row and row.point:
            shown = [each.transaction for p in row.points if p for each in p.evidence[::-1]]
            self.call(self._open(shown))

    async def _open(self, shown: Sequence[str]) -> None:
        record = await self.desk.record(shown[-1])
        if record is None:
            self.notify("History does not have this session any more.", severity="warning")
            return
        await self.app.push_screen(SessionScreen(self.desk, self.look, record, shown))

    def on_line_table_opened(self) -> None:
        """A double click."""
        self.action_open()

    def action_days(self) -> None:
        """Another span."""
        days = self.desk.next_span(self._days)
        if days == self._days:
            self.notify("A recording is looked at as far as it was played.")
            return
        self._days = days
        self._ask_past()

    def action_back(self) -> None:
        """Back to where it was asked for."""
        self.dismiss()

    def action_copy(self) -> None:
        """Copy the cards as JSON."""
        if self._report:
            self.copy_json(self._report.senders, "the report")


def _key(row: Row) -> tuple[str, str, str]:
    return row.subject, row.code, row.point.severity if row.point else ""
