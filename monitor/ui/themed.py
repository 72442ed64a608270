"""The colours of the application: our themes, the user's, and the change from one to another."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from textual.app import App
from textual.theme import Theme

from monitor.ui.look import Look
from monitor.ui.palette import Palette
from monitor.ui.screens.base import DeskScreen
from monitor.ui.screens.entry import EntryDialog
from monitor.ui.screens.help import HelpScreen
from monitor.ui.themes import load_themes, our_folder
from monitor.ui.widgets.top_bar import TopBar

__all__ = ["DEFAULT_THEME", "PLAIN_THEME", "Themed"]

DEFAULT_THEME = "mxtap-night"
PLAIN_THEME = "mxtap-plain"
T = TypeVar("T")


class Themed(App[T]):
    """The part of the application that has themes."""

    look: Look
    _ours: list[str]  # the themes that a key goes through

    def load_themes(self, folder: Path, *, plain: bool) -> list[str]:
        """Take our themes and those of ``folder``; what is wrong with them. ``plain`` begins
        with the terminal's own colours."""
        themes, errors = load_themes(our_folder(), folder)
        for theme in themes:
            self.register_theme(theme)
        self._ours = [theme.name for theme in themes]
        self.theme = PLAIN_THEME if plain else DEFAULT_THEME
        return [str(error) for error in errors]

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """What Textual's sheets want of a theme on the terminal's own colours."""
        return {"ansi-background": "ansi_default", "ansi-foreground": "ansi_default"}

    def on_mount(self) -> None:
        """Draw in the theme, and in every other that is chosen."""
        self.theme_changed_signal.subscribe(self, self._restyle)
        self._restyle(self.current_theme)

    def _restyle(self, theme: Theme) -> None:
        variables = {**theme.variables, **self.theme_variables}
        self.look.change(Palette.of(variables, reverse=theme.ansi or self.no_color))
        for screen in self.screen_stack:
            if isinstance(screen, DeskScreen) and screen.query(TopBar):
                screen.restyle()
                screen.sync()
            elif isinstance(screen, HelpScreen | EntryDialog):
                screen.restyle()

    def action_next_theme(self) -> None:
        """The next of our themes and the user's."""
        at = self._ours.index(self.theme) if self.theme in self._ours else -1
        self.theme = self._ours[(at + 1) % len(self._ours)]
        self.notify(f"Theme {self.theme}", timeout=2)
