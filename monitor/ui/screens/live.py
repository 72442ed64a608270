"""Transactions as they end, and what is to be said of the one under the cursor."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from rich.text import Text
from textual.binding import BindingType
from textual.widget import Widget
from textual.widgets import Static

from monitor.policy.entry import ListName
from monitor.record import Record
from monitor.ui.cells import safe
from monitor.ui.desk import Desk
from monitor.ui.keymap import bindings
from monitor.ui.look import Look
from monitor.ui.screens.filters import FiltersDialog
from monitor.ui.screens.history import HistoryScreen
from monitor.ui.screens.session import SessionScreen
from monitor.ui.state.suggest import suggest
from monitor.ui.widgets.details import Details
from monitor.ui.widgets.filter_bar import FilterBar
from monitor.ui.widgets.state_line import StateLine
from monitor.ui.widgets.table import LineTable

__all__ = ["LiveScreen"]


class LiveScreen(HistoryScreen):
    """The table, the details below it, and the filter."""

    NAME = "live"
    AUTO_FOCUS = "RecordTable"
    BINDINGS: ClassVar[list[BindingType]] = bindings("live")

    def __init__(self, desk: Desk, look: Look) -> None:
        super().__init__(desk, look)
        self.table.follow = True
        self.details = Details(desk, look)

    def body(self) -> Iterable[Widget]:
        """Table above, details below."""
        yield self.table
        yield Static(id="empty", markup=False)
        yield StateLine(self.desk, self.table, self.look)
        yield self.details
        yield FilterBar(self.desk.filters, self.look)

    @property
    def record(self) -> Record | None:
        """The transaction under the cursor."""
        return self.table.record

    # -- keeping up

    def sync(self) -> None:
        """Rows have come, or changed."""
        super().sync()
        self.desk.model.window.held = not self.table.follow
        self.table.sync()
        self.query_one(StateLine).refresh()
        empty = not self.desk.model.window.shown
        self.set_class(empty, "-empty")
        if empty:
            self.query_one("#empty", Static).update(self._what_next())
        self.details.explain(self.record, at_once=False)

    def restyle(self) -> None:
        """Another theme."""
        self.details.draw_again()

    def _what_next(self) -> Text:
        palette = self.look.palette
        window, status = self.desk.model.window, self.desk.model.status
        if window.filter:
            return Text.assemble(
                ("Nothing matches " if self.searched else "Searching for ", palette.muted),
                (safe(window.filter.text), palette.strong),
                ("\n\nesc shows everything again", palette.muted),
            )
        if status is None:
            return Text("Connecting …", palette.muted)
        where = status.listening[0] if status.listening else ""
        text = Text("No mail yet.\n\n", palette.strong, justify="center")
        if where:
            text.append("The relay listens at ", palette.muted)
            text.append(safe(where), palette.accent)
            text.append(f" and passes mail to {safe(status.upstream)}.\n", palette.muted)
            text.append("Send a first message through it:\n\n", palette.muted)
            text.append(f"swaks --server {safe(where)} --to you@your.domain\n\n", palette.text)
        if self.desk.replay:
            text.append("p plays and pauses, : goes to another time.\n", palette.muted)
        text.append("? shows the keys of this screen.", palette.muted)
        return text

    def on_line_table_moved(self, event: LineTable.Moved) -> None:
        """Explain what the cursor is on now."""
        self.details.explain(self.record, at_once=event.by_hand)
        self.query_one(StateLine).refresh()

    def on_line_table_marked(self) -> None:
        """Tell how many."""
        self.query_one(StateLine).refresh()

    # -- keys

    async def action_open(self) -> None:
        """The whole session."""
        if self.record:
            self.table.follow = False
            await self.app.push_screen(SessionScreen(self.desk, self.look, self.record))

    async def on_line_table_opened(self) -> None:
        """A double click."""
        await self.action_open()

    def meant_records(self) -> Sequence[Record]:
        """The marked ones, or that under the cursor."""
        return self.table.meant

    async def action_ban(self) -> None:
        """Ban what the cursor is on."""
        await self._ask("ban")

    async def action_allow(self) -> None:
        """Allow what the cursor is on."""
        await self._ask("allow")

    async def _ask(self, list_: ListName) -> None:
        await self.ask_for_entry(list_, [suggest(record) for record in self.table.meant], "ip")

    def action_details(self) -> None:
        """Show or hide the details."""
        self.toggle_class("-plain")

    def action_copy(self) -> None:
        """Copy the records as JSON, one a line, through the terminal (OSC 52)."""
        if records := self.table.meant:
            many = f"{len(records)} transactions" if len(records) > 1 else "the transaction"
            self.copy_json(records, many)

    async def action_save(self) -> None:
        """Save the marked ones, that under the cursor, or all that match."""
        await self.ask_to_save(self.table.meant, self.desk.model.window.filter)

    def action_transcribe(self) -> None:
        """Copy what was said in the session under the cursor."""
        if self.record:
            self.call(self.copy_transcript(self.record))

    def action_filter(self) -> None:
        """Type a filter."""
        self.query_one(FilterBar).open()

    async def action_filters(self) -> None:
        """Choose from the filters that are kept, or keep this one under a name."""
        wanted = self.desk.model.window.filter
        dialog = FiltersDialog(self.desk.filters, wanted.text if wanted else "", self.look)
        await self.app.push_screen(dialog, self._chosen)

    def _chosen(self, text: str | None) -> None:
        if text is not None:
            self.show_only(text)

    def action_clear(self) -> None:
        """Clear the filter."""
        self.query_one(FilterBar).clear()

    def show_only(self, text: str) -> None:
        """Filter by ``text``; from another screen."""
        self.query_one(FilterBar).set(text)

    def on_filter_bar_changed(self, event: FilterBar.Changed) -> None:
        """Show what passes."""
        if event.wanted != self.desk.model.window.filter:
            self.refilter(event.wanted)
        if event.done:
            self.set_focus(self.table)
