"""A table that draws only the rows on the screen."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from rich.style import Style
from textual import events
from textual.cache import LRUCache
from textual.message import Message
from textual.strip import Strip

from monitor.ui.draw.columns import Column, Spec, lay_out
from monitor.ui.draw.line import Line
from monitor.ui.look import Look
from monitor.ui.widgets.cursor import CursorView, Rows

__all__ = ["MARKS", "LineTable"]

_GUTTER = 2  # the cursor and the mark
_CACHED = 1_000  # strips
MARKS = 1_000  # rows that may be marked


class LineTable(CursorView):
    """A header, and a line a row. Subclasses draw a row.

    ``marked`` are the rows that the next action is about, by their names, as they were when
    they were marked; they may be out of memory since.
    """

    class Opened(Message):
        """A row was clicked twice."""

    class Marked(Message):
        """Other rows are marked."""

    class TitleClicked(Message):
        """The title of the column called ``name`` was clicked."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    def __init__(
        self, rows: Rows, look: Look, *, columns: tuple[Spec, ...], id: str | None = None
    ) -> None:
        super().__init__(rows, id=id)
        self.look = look
        self.marked: dict[Hashable, Any] = {}
        self._specs = columns
        self._columns: tuple[Column, ...] = ()
        self._width = 0
        self._strips: LRUCache[tuple[Any, ...], Strip] = LRUCache(_CACHED)

    def draw_row(self, index: int, columns: tuple[Column, ...]) -> Line:
        """The row at ``index``."""
        raise NotImplementedError

    # -- drawing

    def render_line(self, y: int) -> Strip:
        """One line of the screen: the header stays, the rows scroll below it."""
        width = self.scrollable_content_region.width
        base = self.rich_style
        if not self._columns or self._width != width:
            self._columns = lay_out(self._specs, width - _GUTTER)
            self._width = width
            self._strips.clear()
        if y == 0:
            return self._header(width, base)
        index = round(self.scroll_y) + y - 1
        if index >= len(self.rows):
            return Strip.blank(width, base)
        at_cursor = index == self.cursor
        marked = bool(self.marked) and self.rows.item(index)[0] in self.marked
        state = (at_cursor, marked, base, self.look.edition)
        key = (self.rows.key(index), self.rows.edition(index), *state)
        strip = self._strips.get(key)
        if strip is None:
            strip = self._strips[key] = self._row(index, at_cursor, marked, width, base)
        return strip

    def _header(self, width: int, base: Style) -> Strip:
        line = Line().gap(_GUTTER)
        for column in self._columns:
            style = self.look.palette.heading
            line.put(self.title(column), style, column.width + 1)  # the gap is for a sign
        return line.strip(width, base)

    def title(self, column: Column) -> str:
        """What stands above a column."""
        return column.title

    def _row(self, index: int, at_cursor: bool, marked: bool, width: int, base: Style) -> Strip:
        signs, palette = self.look.marks, self.look.palette
        gutter = Line().put(signs.cursor if at_cursor else " ", palette.accent)
        gutter.put(signs.marked if marked else " ", palette.accent)
        row = self.draw_row(index, self._columns)
        under = base + self.look.palette.cursor if at_cursor else base
        strip = Strip.join(
            [gutter.strip(_GUTTER, Style.null()), row.strip(row.width, Style.null())]
        )
        return strip.adjust_cell_length(width).apply_style(under)

    # -- marks

    def action_mark(self) -> None:
        """Mark the row under the cursor or take its mark away, and go on to the next."""
        self.mark()
        self.action_cursor_down()

    def mark(self) -> None:
        """Mark the row under the cursor, or take its mark away."""
        if self.cursor is None:
            return
        self.follow = False
        name, item = self.rows.item(self.cursor)
        if self.marked.pop(name, None) is None and len(self.marked) < MARKS:
            self.marked[name] = item
        self.show_marks()

    def action_mark_all(self) -> None:
        """Take all marks away; where there are none, mark every row."""
        if not self.marked:
            self.follow = False
            self.marked.update(map(self.rows.item, range(min(len(self.rows), MARKS))))
        else:
            self.unmark()
        self.show_marks()

    def unmark(self) -> None:
        """Take all marks away."""
        self.marked = {}
        self.show_marks()

    def show_marks(self) -> None:
        """Draw other marks."""
        self.refresh()
        self.post_message(self.Marked())

    # -- mouse

    def on_click(self, event: events.Click) -> None:
        """A click moves the cursor, one at the left edge marks, a double click opens."""
        x, y = event.get_content_offset_capture(self)
        if y < 1:
            self._click_title(x - _GUTTER)
            return
        self.follow = False
        self.move(round(self.scroll_y) + y - 1)
        if x < _GUTTER:
            self.mark()
        elif event.chain == 2:
            self.post_message(self.Opened())

    def _click_title(self, x: int) -> None:
        for column in self._columns:
            if 0 <= x <= column.width:
                self.post_message(self.TitleClicked(column.name))
                return
            x -= column.width + 1
