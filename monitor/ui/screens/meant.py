"""What can be asked of the past about whom the cursor is on, wherever there is a cursor."""

from __future__ import annotations

from collections.abc import Sequence

from monitor.insight.sender import senders
from monitor.policy.entry import Kind
from monitor.record import Record
from monitor.ui.screens.base import DeskScreen
from monitor.ui.state.suggest import pool, suggest

__all__ = ["MeantScreen", "RecordsScreen"]


class MeantScreen(DeskScreen):
    """A screen whose cursor means senders. Subclasses say which."""

    def meant_senders(self) -> Sequence[str]:
        """Their names, as report cards have them, or as mail was sent in."""
        return ()

    def meant_bans(self) -> Sequence[str]:
        """The bans that could be thought of, as scenarios."""
        return ()

    def action_report(self) -> None:
        """The report card; of two that are marked, side by side."""
        if names := list(dict.fromkeys(self.meant_senders()))[:2]:
            self._open_past("show_report", names)

    def action_letter(self) -> None:
        """The letter to its postmaster."""
        for name in self.meant_senders()[:1]:
            self._open_past("show_letter", name)

    def action_what_if(self) -> None:
        """Bans of it, on trial."""
        if words := list(self.meant_bans()):
            self._open_past("try_out", words)

    def _open_past(self, action: str, about: str | list[str]) -> None:
        self.app.call_later(self.app.run_action, f"{action}({about!r})")


class RecordsScreen(MeantScreen):
    """The same where the cursor is on transactions."""

    def meant_records(self) -> Sequence[Record]:
        """Which."""
        return ()

    def meant_senders(self) -> Sequence[str]:
        """Whose clients they were."""
        return [senders(record).host.name for record in self.meant_records()]

    def meant_bans(self) -> Sequence[str]:
        """A ban of each kind, of the first."""
        records = self.meant_records()
        about: dict[Kind, str] = suggest(records[0]) if records else {}
        return [f"ban:{kind}={value}" for kind, value in about.items()]

    async def action_ban_pool(self) -> None:
        """Ban all that its sender sends from."""
        for record in self.meant_records()[:1]:
            about, kind = pool(record)
            await self.ask_for_entry("ban", [about], kind)
