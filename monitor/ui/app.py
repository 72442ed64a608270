"""The application: a desk, its screens, and the clock that keeps them fresh."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import ClassVar, Literal

from textual.app import SystemCommand
from textual.binding import BindingType
from textual.notifications import SeverityLevel
from textual.screen import Screen
from textual.widgets import Input

from monitor.config import Settings
from monitor.control.feed import Feed, FeedError
from monitor.ui import marks
from monitor.ui.cells import safe
from monitor.ui.desk import Desk
from monitor.ui.filters import Filters, FiltersError, state_folder
from monitor.ui.keymap import KEYS, bindings, on_screen
from monitor.ui.keys_file import KeysError, load_keys
from monitor.ui.look import Look
from monitor.ui.screens.base import DeskScreen
from monitor.ui.screens.help import HelpScreen
from monitor.ui.screens.leave import LeaveDialog
from monitor.ui.screens.lists import ListsScreen
from monitor.ui.screens.live import LiveScreen
from monitor.ui.screens.rates import RatesScreen
from monitor.ui.screens.senders import SendersScreen
from monitor.ui.screens.trial import TrialScreen
from monitor.ui.screens.waiting import WaitingScreen
from monitor.ui.studies import Studies
from monitor.ui.system_commands import system_commands
from monitor.ui.themed import DEFAULT_THEME, Themed
from monitor.ui.themes import user_folder

__all__ = ["DEFAULT_THEME", "Ending", "MxtapApp"]

Ending = Literal["detach", "stop"]
FRAMES = 10  # a second, at most
_SECOND = 1.0  # times that are shown as ages go on without updates


class MxtapApp(Themed[Ending], Studies[Ending]):
    """The UI on one feed. It returns "stop" when the operator wants the relay to end too.

    ``owns_relay`` makes it ask so. Raises nothing: trouble is on the screen, and
    ``return_code`` is 1 where the feed could not be opened (``trouble`` tells why).
    """

    TITLE = "mxtap"
    CSS_PATH = Path(__file__).with_name("app.tcss")
    BINDINGS: ClassVar[list[BindingType]] = bindings("app")
    DEFAULT_MODE = "live"

    def __init__(
        self,
        feed: Feed,
        settings: Settings,
        *,
        owns_relay: bool = False,
        clock: Callable[[], float] | None = None,
    ) -> None:
        no_colour = "NO_COLOR" in os.environ
        super().__init__(ansi_color=True if no_colour else None)
        self.desk = Desk(feed, clock, Filters(state_folder() / "filters.json"))
        self.look = Look(marks=marks.choose(os.environ))
        self.trouble = ""
        self._owns_relay = owns_relay
        self._keys: dict[str, str] = {}
        self._seen = -1
        self._complaints: list[str] = []
        for name in _CLASSES:
            self.add_mode(name, partial(self._screen, name))
        self._load_filters()
        self._complaints += self.load_themes(
            settings.themes or user_folder() / "themes",
            plain=no_colour or self.console.color_system in (None, "standard"),
        )

    def _screen(self, name: str) -> DeskScreen:
        return _CLASSES[name](self.desk, self.look)

    def _load_filters(self) -> None:
        try:
            self.desk.filters.load()
        except FiltersError as error:
            self._complaints.append(str(error))

    def on_load(self) -> None:
        """Have tasks begin in their turn, as on Python 3.11.

        Textual has them begin at once where Python can (3.12): a mode's first screen is then
        mounted before it is on its stack, where an Input looks for it, and all ends.
        """
        asyncio.get_running_loop().set_task_factory(None)

    def on_mount(self) -> None:
        """Begin."""
        self._bind_keys()
        for complaint in self._complaints:
            self.notify(complaint, severity="warning", timeout=20)
        self.run_worker(self._live())
        self.set_interval(1 / FRAMES, self.tick)
        self.set_interval(_SECOND, self._show)

    def _bind_keys(self) -> None:
        try:
            self._keys = load_keys(user_folder() / "keys.toml")
        except KeysError as error:
            self._complaints.append(str(error))
        else:
            self.set_keymap(self._keys)

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = False,
    ) -> None:
        """Tell the operator. What the relay says may repeat what a stranger said."""
        super().notify(safe(message), title=title, severity=severity, timeout=timeout, markup=False)

    # -- the feed

    async def _live(self) -> None:
        try:
            await self.desk.open()
            await asyncio.gather(self.desk.watch(), self._begin())
        except FeedError as error:
            self.trouble = str(error)
            self.exit(return_code=1)

    async def _begin(self) -> None:
        try:
            await self.desk.begin()
        except FeedError:
            self.desk.model.missed = True  # lost again already: once more when it is back

    def tick(self) -> None:
        """Show what changed, at most ``FRAMES`` times a second."""
        model = self.desk.model
        if model.missed and model.link.up:
            model.missed = False
            self.run_worker(self._catch_up())
        if model.version != self._seen:
            self._show()

    def _show(self) -> None:
        self._seen = self.desk.model.version
        for screen in self.screen_stack:
            if isinstance(screen, DeskScreen):
                screen.freshen()

    async def _catch_up(self) -> None:
        try:
            await self.desk.catch_up()
        except FeedError:
            self.desk.model.missed = True  # it was lost again: once more when it is back

    # -- keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """No key of ours holds in a dialog, or while something is typed."""
        ours = action in _ACTIONS
        return not (ours and (self._dialog_is_open() or isinstance(self.focused, Input)))

    async def action_screen(self, name: str) -> None:
        """Go to a screen, on its first page."""
        if name != self.current_mode:
            await self.switch_mode(name)
        while len(self.screen_stack) > 1:
            self.pop_screen()

    async def action_show_only(self, text: str) -> None:
        """The live screen, filtered."""
        await self.action_screen("live")
        screen = self.screen
        if isinstance(screen, LiveScreen):
            screen.show_only(text)

    async def action_help(self) -> None:
        """The keys of this screen."""
        screen = self.screen
        if isinstance(screen, DeskScreen):
            keys = on_screen(screen.NAME, replay=self.desk.replay is not None)
            await self.push_screen(HelpScreen(screen.NAME, keys, self._keys, self.look))

    async def action_undo(self) -> None:
        """Take back the last change of the lists."""
        try:
            undone = await self.desk.changes.undo()
        except FeedError as error:
            self.notify(str(error), severity="error")
        else:
            told = f"Took back: {undone}." if undone else "There is nothing to take back."
            self.notify(told)

    async def action_leave(self) -> None:
        """Quit; where the relay is ours, ask what becomes of it."""
        if not self._owns_relay:
            self.exit("detach")
        elif not isinstance(self.screen, LeaveDialog):
            await self.push_screen(LeaveDialog(self.look), self._left)

    async def action_quit(self) -> None:
        """Textual's own way out asks the same."""
        await self.action_leave()

    def _left(self, stop: bool | None) -> None:
        if stop is not None:
            self.exit("stop" if stop else "detach")

    def _dialog_is_open(self) -> bool:
        return not isinstance(self.screen, DeskScreen)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Every action of this screen by name, and the themes."""
        return system_commands(self, screen)


_ACTIONS = {key.action.partition("(")[0] for key in KEYS if "app" in key.where}
_CLASSES: dict[str, type[DeskScreen]] = {
    "live": LiveScreen,
    "senders": SendersScreen,
    "waiting": WaitingScreen,
    "lists": ListsScreen,
    "rates": RatesScreen,
    "trial": TrialScreen,
}
