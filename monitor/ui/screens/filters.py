"""The dialog of filters: those with a name, and those of before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar, NamedTuple

from rich.style import Style
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Label, Static

from monitor.ui.cells import safe
from monitor.ui.draw.columns import Column, Spec
from monitor.ui.filters import Filters, FiltersError
from monitor.ui.look import Look
from monitor.ui.widgets.listing import Listing

__all__ = ["FiltersDialog"]

_COLUMNS = (Spec("name", "Name", 16, 32), Spec("text", "Filter", 30, 200, 1))
_KEYS = "enter takes it   x forgets it   tab changes the field   esc closes"


class _Kept(NamedTuple):
    name: str  # empty for one of before
    text: str


class FiltersDialog(ModalScreen[str | None]):
    """Closes with the filter that was chosen. ``current`` may be given a name here."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", "Close", priority=True),
        Binding("enter", "take", "Take"),
        Binding("x,delete", "forget", "Forget"),
        Binding("tab", "app.focus_next", "Next", show=False, priority=True),
    ]

    def __init__(self, filters: Filters, current: str, look: Look) -> None:
        super().__init__()
        self._filters = filters
        self._current = current
        self._look = look
        self.table: Listing[_Kept] = Listing(_COLUMNS, lambda kept: kept, self._cells, look)

    def compose(self) -> ComposeResult:
        """The field for a name, where there is something to name; the filters."""
        with Vertical(id="dialog", classes="filters") as dialog:
            dialog.border_title = "Filters"
            if self._current:
                with Horizontal():
                    yield Label("Save as ")
                    yield Input(placeholder=safe(self._current), id="name", compact=True)
            yield self.table
            yield Static(id="hint", markup=False)
            yield Static(_KEYS, id="keys", markup=False)

    def on_mount(self) -> None:
        """Begin in the table, if it has rows."""
        self._refill()
        if len(self.table.items) or not self._current:
            self.table.focus()

    def _refill(self) -> None:
        self.table.set_items(self._kept())
        if not len(self.table.items):
            self._say("None yet. / on the live screen filters, and enter keeps the filter.")

    def _kept(self) -> Iterator[_Kept]:
        for name, text in self._filters.saved.items():
            yield _Kept(name, text)
        for text in reversed(self._filters.past):
            yield _Kept("", text)

    def _cells(self, kept: _Kept, columns: Sequence[Column]) -> dict[str, tuple[str, Style]]:
        palette = self._look.palette
        return {"name": (kept.name, palette.strong), "text": (kept.text, palette.text)}

    def _say(self, text: str, *, wrong: bool = False) -> None:
        style = self._look.palette.error if wrong else self._look.palette.muted
        self.query_one("#hint", Static).update(Text(safe(text), style))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Save it."""
        event.stop()
        name = event.value.strip()
        try:
            self._filters.save(name, self._current)
        except (ValueError, FiltersError) as error:
            self._say(str(error), wrong=True)
        else:
            event.input.value = ""
            self._say(f"Saved. saved:{name} stands for it in other filters.")
        self._refill()

    def action_take(self) -> None:
        """Filter by it."""
        if kept := self.table.item:
            self.dismiss(kept.text)

    def on_line_table_opened(self) -> None:
        """A double click."""
        self.action_take()

    def action_forget(self) -> None:
        """Forget those that are marked, or the one under the cursor."""
        try:
            for kept in self.table.meant:
                self._filters.forget(*kept)
        except FiltersError as error:
            self._say(str(error), wrong=True)
        self._refill()
