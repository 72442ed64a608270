"""Ways from a cursor to what the past tells: the actions that screens ask of the application."""

from __future__ import annotations

from typing import TypeVar

from textual.app import App

from monitor.ui.desk import Desk
from monitor.ui.look import Look
from monitor.ui.screens.letter import LetterScreen
from monitor.ui.screens.report import ReportScreen
from monitor.ui.screens.trial import TrialScreen

__all__ = ["Studies"]

T = TypeVar("T")


class Studies(App[T]):
    """The part of the application that opens them."""

    desk: Desk
    look: Look

    async def action_show_report(self, names: list[str]) -> None:
        """Report cards."""
        await self.push_screen(ReportScreen(self.desk, self.look, names))

    async def action_show_letter(self, name: str) -> None:
        """The letter."""
        await self.push_screen(LetterScreen(self.desk, self.look, name))

    async def action_try_out(self, words: list[str]) -> None:
        """The screen of trials, with these."""
        await self.run_action("screen('trial')")
        if isinstance(self.screen, TrialScreen):
            self.screen.try_out(words)
