"""Mail that was told to come back, and has not been accepted since."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

import msgspec
from rich.style import Style
from textual.binding import BindingType
from textual.widget import Widget
from textual.widgets import Static

from monitor.policy.entry import ListName
from monitor.ui.desk import Desk
from monitor.ui.draw.columns import Column
from monitor.ui.draw.tables import WAITS, wait_cells
from monitor.ui.keymap import bindings
from monitor.ui.look import Look
from monitor.ui.screens.base import DeskScreen
from monitor.ui.screens.session import SessionScreen
from monitor.ui.state.suggest import suggest
from monitor.ui.state.waiting import Wait
from monitor.ui.widgets.listing import Listing

__all__ = ["WaitingScreen"]


class WaitingScreen(DeskScreen):
    """A line a sender and recipient, the longest wait first."""

    NAME = "waiting"
    AUTO_FOCUS = "Listing"
    BINDINGS: ClassVar[list[BindingType]] = bindings("waiting")

    def __init__(self, desk: Desk, look: Look) -> None:
        super().__init__(desk, look)
        self.table: Listing[Wait] = Listing(
            WAITS, lambda w: (w.mail_from, w.rcpt, w.network), self._cells, look
        )

    def body(self) -> Iterable[Widget]:
        """The table."""
        yield self.table
        yield Static("Nothing waits: all deferred mail has come in.", id="empty", markup=False)

    def _cells(self, wait: Wait, columns: Sequence[Column]) -> dict[str, tuple[str, Style]]:
        return wait_cells(wait, self.desk.clock(), self.look)

    def sync(self) -> None:
        """Mail was deferred, or came in."""
        super().sync()
        self.table.set_items(self.desk.model.waiting.longest())
        self.set_class(not len(self.desk.model.waiting), "-empty")

    async def action_open(self) -> None:
        """The last attempt's session."""
        if wait := self.table.item:
            await self.app.push_screen(SessionScreen(self.desk, self.look, wait.record))

    async def on_line_table_opened(self) -> None:
        """A double click."""
        await self.action_open()

    async def action_ban(self) -> None:
        """Ban its sender."""
        await self._ask("ban")

    async def action_allow(self) -> None:
        """Allow its sender: it need not wait again."""
        await self._ask("allow")

    async def _ask(self, list_: ListName) -> None:
        wait = self.table.item
        await self.ask_for_entry(list_, suggest(wait.record) if wait else {}, "ip")

    def action_copy(self) -> None:
        """Copy the last attempt as JSON, through the terminal (OSC 52)."""
        if wait := self.table.item:
            self.app.copy_to_clipboard(msgspec.json.encode(wait.record).decode())
            self.notify("Copied the last attempt as JSON.")
