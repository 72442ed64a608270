"""The rule between the table and the details: does it follow, how many rows, which filter."""

from __future__ import annotations

from datetime import UTC, datetime

from textual.strip import Strip
from textual.widget import Widget

from monitor.filter.order import Order
from monitor.ui.desk import Desk
from monitor.ui.draw.line import Line
from monitor.ui.look import Look
from monitor.ui.widgets.table import LineTable

__all__ = ["StateLine"]

ORDERS: dict[Order, str] = {
    "ended": "time",
    "severity": "finding",
    "code": "reply",
    "ip": "client",
}


class StateLine(Widget):
    """One line about a table of the desk's window. ``searching`` history at its ``top`` or not."""

    def __init__(self, desk: Desk, table: LineTable, look: Look) -> None:
        super().__init__()
        self._desk = desk
        self._table = table
        self._look = look
        self.searching: bool | None = None

    def render_line(self, y: int) -> Strip:
        """The line."""
        palette, marks = self._look.palette, self._look.marks
        window = self._desk.model.window
        line = Line().gap(2)
        if window.away:
            by = f"by {ORDERS[window.order]}" if window.order != "ended" else "in history"
            line.put(f"{marks.pause} {by}, space follows", palette.notice)
            if window.unseen:
                line.put(f", {window.unseen:,} newer", palette.notice)
        elif self._table.follow:
            line.put(f"{marks.follow} following", palette.good)
        else:
            line.put(f"{marks.pause} holding still", palette.notice)
        if (cursor := self._table.cursor) is not None:
            line.gap(3).put(f"{cursor + 1:,} of {self._count()}", palette.muted)
        if marked := len(self._table.marked):
            line.gap(3).put(f"{marks.marked} {marked:,} marked", palette.accent)
        if self.searching is not None:
            line.gap(3).put(self._progress(top=self.searching), palette.accent)
        if window.filter:
            line.gap(3).put("filter", palette.accent).gap().put(window.filter.text, palette.text)
            line.put("   esc clears it", palette.muted)
        return line.strip(self.size.width, self.rich_style)

    def _count(self) -> str:
        window = self._desk.model.window
        more = window.beyond(top=True) or (window.away and window.beyond(top=False))
        return f"{len(window.shown):,}{'+' if more else ''}"

    def _progress(self, *, top: bool) -> str:
        reached = self._desk.model.window.searched(top=top)
        if reached is None or self._desk.model.window.order != "ended":
            return "searching …"
        at = datetime.fromtimestamp(reached.ended, UTC).astimezone()
        return f"searching … {at:%d %b %H:%M}"
