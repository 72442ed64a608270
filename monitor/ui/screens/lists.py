"""The bans and allowances in force."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual.binding import BindingType
from textual.widget import Widget
from textual.widgets import Static

from monitor.policy.entry import Entry
from monitor.ui.desk import Desk
from monitor.ui.draw.columns import Column
from monitor.ui.draw.tables import ENTRIES, entry_cells
from monitor.ui.keymap import bindings
from monitor.ui.look import Look
from monitor.ui.screens.base import DeskScreen
from monitor.ui.screens.entry import EntryDialog
from monitor.ui.state.suggest import tell
from monitor.ui.widgets.listing import Listing
from monitor.ui.widgets.table import LineTable

__all__ = ["ListsScreen"]


class ListsScreen(DeskScreen):
    """Who is let in or kept out, by whom, why, how often it mattered and until when."""

    NAME = "lists"
    AUTO_FOCUS = "Listing"
    BINDINGS: ClassVar[list[BindingType]] = bindings("lists")

    def __init__(self, desk: Desk, look: Look) -> None:
        super().__init__(desk, look)
        self.table: Listing[Entry] = Listing(ENTRIES, lambda e: e.id, self._cells, look)

    def body(self) -> Iterable[Widget]:
        """The table."""
        yield self.table
        yield Static(self._nothing(), id="empty", markup=False)

    def _nothing(self) -> Text:
        palette = self.look.palette
        return Text.assemble(
            ("Nobody is banned, nobody is allowed.\n\n", palette.strong),
            ("b bans and a allows, here or on a transaction of the live screen.", palette.muted),
            justify="center",
        )

    def _cells(self, entry: Entry, columns: Sequence[Column]) -> dict[str, tuple[str, Style]]:
        return entry_cells(entry, self.desk.clock(), self.look)

    def sync(self) -> None:
        """The lists changed, or time went by."""
        super().sync()
        newest_first = sorted(self.desk.model.entries, key=lambda e: e.created, reverse=True)
        self.table.set_items(newest_first)
        self.set_class(not newest_first, "-empty")

    async def action_ban(self) -> None:
        """Ban somebody."""
        await self.ask_for_entry("ban", [], "ip")

    async def action_allow(self) -> None:
        """Allow somebody."""
        await self.ask_for_entry("allow", [], "ip")

    def action_end(self) -> None:
        """End the marked entries, or the one under the cursor."""
        if entries := self.table.meant:
            self.call(self._end(entries))

    async def _end(self, entries: list[Entry]) -> None:
        await self.desk.changes.end(entries)
        self.notify(f"Ended {tell(entries)}. u takes it back.")

    async def action_extend(self) -> None:
        """Let the entry last longer."""
        if entry := self.table.item:
            abouts = [{entry.kind: entry.value}]
            dialog = EntryDialog(self.desk, self.look, entry.list, abouts, entry.kind, entry)
            await self.app.push_screen(dialog, self._entered)

    async def action_open(self) -> None:
        """Change it, which is all that there is to open."""
        await self.action_extend()

    async def on_line_table_opened(self, event: LineTable.Opened) -> None:
        """A double click."""
        await self.action_extend()
