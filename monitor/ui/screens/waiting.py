"""Mail that was told to come back, and has not been accepted since."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from rich.style import Style
from textual.binding import BindingType
from textual.widget import Widget
from textual.widgets import Static

from monitor.control.feed import FeedError
from monitor.control.protocol import Status
from monitor.findings.retry.waiting import Wait
from monitor.policy.entry import ListName
from monitor.record import Record
from monitor.ui.desk import Desk
from monitor.ui.draw.columns import Column
from monitor.ui.draw.tables import WAITS, wait_cells
from monitor.ui.keymap import bindings
from monitor.ui.look import Look
from monitor.ui.screens.base import DeskScreen
from monitor.ui.screens.session import SessionScreen
from monitor.ui.state.suggest import suggest
from monitor.ui.widgets.listing import Listing

__all__ = ["WaitingScreen"]


class WaitingScreen(DeskScreen):
    """A line a message and recipient, the longest wait first."""

    NAME = "waiting"
    AUTO_FOCUS = "Listing"
    BINDINGS: ClassVar[list[BindingType]] = bindings("waiting")

    def __init__(self, desk: Desk, look: Look) -> None:
        super().__init__(desk, look)
        self._asked: Status | str | None = "never"  # the status that came before the last answer
        self.table: Listing[Wait] = Listing(
            WAITS, lambda w: (w.sender, w.recipient, w.tries[0]), self._cells, look
        )

    def body(self) -> Iterable[Widget]:
        """The table."""
        yield self.table
        yield Static("Nothing waits: all deferred mail has come in.", id="empty", markup=False)

    def on_mount(self) -> None:
        """Ask at once."""
        self.sync()

    def _cells(self, wait: Wait, columns: Sequence[Column]) -> dict[str, tuple[str, Style]]:
        width = next((c.width for c in columns if c.name == "tries"), 0)
        return wait_cells(wait, self.desk.clock(), self.look, width)

    def sync(self) -> None:
        """Ask who waits, with each status that comes; draw the times anew."""
        super().sync()
        self.table.sync()
        if self._asked is not self.desk.model.status and self.is_current:
            self._asked = self.desk.model.status
            self.run_worker(self._ask_feed(), exclusive=True, group="waiting")

    async def _ask_feed(self) -> None:
        try:
            found = await self.desk.waiting()
        except FeedError:
            self._asked = "never"  # the header says that the relay is away
            return
        self.table.set_items(found)
        self.set_class(not found, "-empty")

    async def _last(self, wait: Wait) -> Record | None:
        record = await self.desk.record(wait.last.transaction)
        if record is None:
            self.notify("History does not have this attempt any more.", severity="warning")
        return record

    def action_open(self) -> None:
        """The last attempt's session; the others are one key away there."""
        if wait := self.table.item:
            self.call(self._open(wait))

    async def _open(self, wait: Wait) -> None:
        if record := await self._last(wait):
            attempts = [tried.transaction for tried in wait.tries]
            await self.app.push_screen(SessionScreen(self.desk, self.look, record, attempts))

    def on_line_table_opened(self) -> None:
        """A double click."""
        self.action_open()

    def action_ban(self) -> None:
        """Ban its sender."""
        self._ask("ban")

    def action_allow(self) -> None:
        """Allow its sender: it need not wait again."""
        self._ask("allow")

    def _ask(self, list_: ListName) -> None:
        if waits := self.table.meant:
            self.call(self._ask_about(waits, list_))

    async def _ask_about(self, waits: list[Wait], list_: ListName) -> None:
        found = [await self._last(wait) for wait in waits]
        if records := [record for record in found if record]:
            await self.ask_for_entry(list_, [suggest(record) for record in records], "ip")

    def action_copy(self) -> None:
        """Copy the attempts as JSON, a message a line, through the terminal (OSC 52)."""
        if waits := self.table.meant:
            self.copy_json(waits, "the attempts")
