"""The tables of lists, senders and waits: named cells over a plain list."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Generic, TypeVar

from rich.style import Style

from monitor.ui.draw.columns import Column, Spec
from monitor.ui.draw.line import Line
from monitor.ui.draw.tables import draw_cells
from monitor.ui.look import Look
from monitor.ui.widgets.rows import ListRows
from monitor.ui.widgets.table import LineTable

__all__ = ["Listing"]

T = TypeVar("T")
Drawn = Callable[[T, Sequence[Column]], dict[str, tuple[str, Style]]]


class Listing(LineTable, Generic[T]):
    """A table of items, each drawn by ``cells``."""

    def __init__(
        self,
        columns: tuple[Spec, ...],
        key: Callable[[T], Hashable],
        cells: Drawn[T],
        look: Look,
        *,
        id: str | None = None,
    ) -> None:
        self.items: ListRows[T] = ListRows(key)
        self._cells = cells
        super().__init__(self.items, look, id=id, columns=columns)

    @property
    def item(self) -> T | None:
        """The item that the cursor is on."""
        if self.cursor is None or self.cursor >= len(self.items):
            return None
        return self.items[self.cursor]

    @property
    def meant(self) -> list[T]:
        """What the next action is about: the marked items, else that under the cursor."""
        return list(self.marked.values()) or ([self.item] if self.item is not None else [])

    def set_items(self, items: Iterable[T]) -> None:
        """Show other items; the cursor stays with its own."""
        self.items.set(items)
        if self.marked:  # what is gone needs no mark
            here = map(self.items.item, range(len(self.items)))
            self.marked = {key: item for key, item in here if key in self.marked}
        self.sync()

    def draw_row(self, index: int, columns: tuple[Column, ...]) -> Line:
        """One item."""
        return draw_cells(self._cells(self.items[index], columns), columns)
