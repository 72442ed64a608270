"""What every screen of ours has: the desk, the header, the footer, and a way to stay fresh."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Footer, Input, Static

from monitor.control.feed import FeedError
from monitor.policy.entry import Entry, Kind, ListName
from monitor.ui.desk import Desk
from monitor.ui.look import Look
from monitor.ui.screens.entry import EntryDialog
from monitor.ui.widgets.top_bar import TopBar

__all__ = ["MIN_SIZE", "DeskScreen"]

MIN_SIZE = (60, 16)
_WIDE = 120


class DeskScreen(Screen[None]):
    """Subclasses give their body, and bring it up to date in :meth:`sync`."""

    NAME: ClassVar[str] = ""

    def __init__(self, desk: Desk, look: Look) -> None:
        super().__init__()
        self.desk = desk
        self.look = look

    def compose(self) -> ComposeResult:
        """Header, body, footer; and what is said in their place when there is no room."""
        yield TopBar(self.desk, self.NAME, self.look)
        yield from self.body()
        yield Footer(compact=True)
        yield Static(id="no-room", markup=False)

    def body(self) -> Iterable[Widget]:
        """The widgets between header and footer."""
        return ()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """No key of ours holds while something is typed."""
        return not isinstance(self.focused, Input)

    def freshen(self) -> None:
        """Show the model as it is now, once there is something to show it on."""
        if self.query(TopBar):
            self.sync()
            if self.focused is None:
                self.call_after_refresh(self._focus_again)

    def _focus_again(self) -> None:
        """A table that was empty and hidden could not keep the focus."""
        if self.focused is None and self.AUTO_FOCUS:
            for widget in self.query(self.AUTO_FOCUS):
                self.set_focus(widget)

    def sync(self) -> None:
        """Bring every widget up to date. Called a few times a second at most."""
        self.query_one(TopBar).sync()

    def restyle(self) -> None:
        """Draw anew what keeps its styles: the theme changed."""

    def on_screen_resume(self) -> None:
        """Come back to the front."""
        self.freshen()

    def on_resize(self, event: events.Resize) -> None:
        """Say so when there is no room, and use it where there is much."""
        columns, rows = MIN_SIZE
        small = event.size.width < columns or event.size.height < rows
        self.set_class(small, "-no-room")
        self.set_class(event.size.width >= _WIDE, "-wide")
        self.query_one("#no-room", Static).update(
            f"mxtap needs {columns} columns and {rows} lines;\n"
            f"this terminal has {event.size.width} and {event.size.height}."
        )

    def call(self, work: Awaitable[None]) -> None:
        """Do ``work`` beside the screen; what the relay refuses is told."""
        self.run_worker(self._told(work))

    async def _told(self, work: Awaitable[None]) -> None:
        try:
            await work
        except FeedError as error:
            self.app.notify(str(error), severity="error")

    async def ask_for_entry(self, list_: ListName, about: dict[Kind, str], kind: Kind) -> None:
        """Let the operator ban or allow; ``about`` has a value for each kind."""
        dialog = EntryDialog(self.desk, self.look, list_, about, kind)
        await self.app.push_screen(dialog, self._entered)

    def _entered(self, entry: Entry | None) -> None:
        if entry is not None:
            done = "Banned" if entry.list == "ban" else "Allowed"
            self.app.notify(f"{done} {entry.kind} {entry.value}. u takes it back.")
