"""The live table: transactions, the newest last."""

from __future__ import annotations

from monitor.record import Record
from monitor.ui.draw.columns import Column
from monitor.ui.draw.line import Line
from monitor.ui.draw.row import COLUMNS, draw_record
from monitor.ui.look import Look
from monitor.ui.state.window import Window
from monitor.ui.widgets.table import LineTable

__all__ = ["RecordTable"]


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


class RecordTable(LineTable):
    """The rows of a :class:`Window`."""

    def __init__(self, window: Window, look: Look, *, id: str | None = None) -> None:
        super().__init__(_Shown(window), look, columns=COLUMNS, id=id)
        self.window = window

    @property
    def record(self) -> Record | None:
        """The record that the cursor is on."""
        if self.cursor is None or self.cursor >= len(self.window.shown):
            return None
        return self.window.shown[self.cursor].record

    def draw_row(self, index: int, columns: tuple[Column, ...]) -> Line:
        """A transaction."""
        record = self.window.shown[index].record
        return draw_record(record, columns, self.look)
