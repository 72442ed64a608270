"""One line a sending organisation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from rich.style import Style
from textual.binding import BindingType
from textual.widget import Widget
from textual.widgets import Static

from monitor.policy.entry import Kind, ListName
from monitor.ui.desk import Desk
from monitor.ui.draw.columns import Column
from monitor.ui.draw.tables import SENDERS, sender_cells
from monitor.ui.keymap import bindings
from monitor.ui.look import Look
from monitor.ui.screens.meant import MeantScreen
from monitor.ui.state.senders import Sender
from monitor.ui.widgets.listing import Listing

__all__ = ["SendersScreen"]


class SendersScreen(MeantScreen):
    """Who sends how much, how it fares, and what it does badly; the busiest first."""

    NAME = "senders"
    AUTO_FOCUS = "Listing"
    BINDINGS: ClassVar[list[BindingType]] = bindings("senders")

    def __init__(self, desk: Desk, look: Look) -> None:
        super().__init__(desk, look)
        self.table: Listing[Sender] = Listing(SENDERS, lambda s: s.name, self._cells, look)

    def body(self) -> Iterable[Widget]:
        """The table."""
        yield self.table
        yield Static("Nobody has sent mail yet.", id="empty", markup=False)

    def _cells(self, sender: Sender, columns: Sequence[Column]) -> dict[str, tuple[str, Style]]:
        trend = next(column.width for column in columns if column.name == "trend")
        grade = self.desk.model.senders.grade(sender)
        return sender_cells(sender, grade, self.desk.clock(), trend, self.look)

    def sync(self) -> None:
        """More mail was sent."""
        super().sync()
        self.table.set_items(self.desk.model.senders.busiest())
        self.set_class(not len(self.desk.model.senders), "-empty")

    def action_open(self) -> None:
        """Show its transactions."""
        if sender := self.table.item:
            self.app.call_later(self.app.run_action, f"show_only({sender.filter!r})")

    def on_line_table_opened(self) -> None:
        """A double click."""
        self.action_open()

    def meant_senders(self) -> Sequence[str]:
        """The marked ones, or that under the cursor."""
        return [sender.name for sender in self.table.meant]

    def meant_bans(self) -> Sequence[str]:
        """A ban of each."""
        return [f"ban:{_kind(sender)}={sender.name}" for sender in self.table.meant]

    async def action_ban(self) -> None:
        """Ban its domain."""
        await self._ask("ban")

    async def action_allow(self) -> None:
        """Allow its domain."""
        await self._ask("allow")

    async def _ask(self, list_: ListName) -> None:
        abouts: list[dict[Kind, str]] = [{_kind(s): s.name} for s in self.table.meant]
        kinds = [kind for about in abouts for kind in about]
        await self.ask_for_entry(list_, abouts, max(kinds, key=kinds.count, default="domain"))


def _kind(sender: Sender) -> Kind:
    return "ip" if sender.filter.startswith("ip:") else "domain"
