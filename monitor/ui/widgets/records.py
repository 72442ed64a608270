"""The live table: transactions, the newest last, or in another order."""

from __future__ import annotations

from textual.message import Message

from monitor.filter.order import Order
from monitor.record import Record
from monitor.ui.draw.columns import Column
from monitor.ui.draw.line import Line
from monitor.ui.draw.row import COLUMNS, draw_record
from monitor.ui.look import Look
from monitor.ui.state.window import Window
from monitor.ui.widgets.table import LineTable

__all__ = ["ORDER_OF", "RecordTable"]

# The columns that history can be ordered by.
ORDER_OF: dict[str, Order] = {"time": "ended", "ip": "ip", "code": "code", "finding": "severity"}


class _Shown:
    def __init__(self, window: Window) -> None:
        self.window = window

    def __len__(self) -> int:
        return len(self.window.shown)

    def key(self, index: int) -> int:
        return self.window.shown[index].number

    def place(self, key: int) -> int:
        return self.window.place(key)

    def edition(self, index: int) -> tuple[str, int]:
        row = self.window.shown[index]
        return row.record.id, row.edition

    def item(self, index: int) -> tuple[str, Record]:
        record = self.window.shown[index].record
        return record.id, record


class RecordTable(LineTable):
    """The rows of a :class:`Window`."""

    class Jump(Message):
        """To the very first or last row of the order, in memory or not."""

        def __init__(self, top: bool) -> None:
            super().__init__()
            self.top = top

    def __init__(self, window: Window, look: Look, *, id: str | None = None) -> None:
        super().__init__(_Shown(window), look, columns=COLUMNS, id=id)
        self.window = window
        self.going = False  # to rows that are still to come: none is to be acted upon

    @property
    def record(self) -> Record | None:
        """The record that the cursor is on."""
        if self.cursor is None or self.cursor >= len(self.window.shown):
            return None
        return self.window.shown[self.cursor].record

    @property
    def meant(self) -> list[Record]:
        """What the next action is about: the marked records, else that under the cursor."""
        return list(self.marked.values()) or ([self.record] if self.record else [])

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """No row is marked while others are about to come in its place."""
        return not (self.going and action.startswith("mark"))

    def draw_row(self, index: int, columns: tuple[Column, ...]) -> Line:
        """A transaction."""
        record = self.window.shown[index].record
        return draw_record(record, columns, self.look)

    def title(self, column: Column) -> str:
        """With a sign on the one that orders the rows."""
        window, marks = self.window, self.look.marks
        if ORDER_OF.get(column.name) != window.order:
            return column.title
        return column.title + (marks.descending if window.descending else marks.ascending)

    def action_top(self) -> None:
        """To the very first row."""
        self.follow = False
        self._jump(top=True)

    def action_bottom(self) -> None:
        """To the very last row."""
        self._jump(top=False)

    def _jump(self, *, top: bool) -> None:
        """At once where the row is in memory; else the screen fetches it."""
        if self.window.beyond(top=top) is None:
            self.move(0 if top else len(self.rows) - 1)
        else:
            self.going = True
        self.post_message(self.Jump(top))
