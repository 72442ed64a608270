"""The rule between the table and the details: does it follow, how many rows, which filter."""

from __future__ import annotations

from textual.strip import Strip
from textual.widget import Widget

from monitor.ui.desk import Desk
from monitor.ui.draw.line import Line
from monitor.ui.look import Look
from monitor.ui.widgets.table import LineTable

__all__ = ["StateLine"]


class StateLine(Widget):
    """One line about a table of the desk's window."""

    def __init__(self, desk: Desk, table: LineTable, look: Look) -> None:
        super().__init__()
        self._desk = desk
        self._table = table
        self._look = look

    def render_line(self, y: int) -> Strip:
        """The line."""
        palette, marks = self._look.palette, self._look.marks
        window = self._desk.model.window
        line = Line().gap(2)
        if self._table.follow:
            line.put(f"{marks.follow} following", palette.good)
        else:
            line.put(f"{marks.pause} holding still", palette.notice)
        if window.torn:
            line.gap(3).put(f"{window.unseen:,} newer: G goes there", palette.notice)
        if (cursor := self._table.cursor) is not None:
            line.gap(3).put(f"{cursor + 1:,} of {len(window.shown):,}", palette.muted)
        if window.filter:
            line.gap(3).put("filter", palette.accent).gap().put(window.filter.text, palette.text)
            line.put("   esc clears it", palette.muted)
        return line.strip(self.size.width, self.rich_style)
