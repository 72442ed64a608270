"""What every screen of ours has: the desk, the header, the footer, and a way to stay fresh."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Mapping, Sequence
from typing import ClassVar

import msgspec
from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Footer, Input, Static

from monitor.control.feed import FeedError
from monitor.filter import Filter
from monitor.policy.entry import Entry, Kind, ListName
from monitor.record import Record
from monitor.ui.desk import Desk
from monitor.ui.draw.replay import draw_rehearsal
from monitor.ui.draw.transcript import clipboard_text
from monitor.ui.keymap import bindings
from monitor.ui.look import Look
from monitor.ui.screens.entry import EntryDialog
from monitor.ui.screens.save import SaveDialog
from monitor.ui.widgets.replay_bar import ReplayBar
from monitor.ui.widgets.table import LineTable
from monitor.ui.widgets.top_bar import TopBar

__all__ = ["MIN_SIZE", "DeskScreen"]

MIN_SIZE = (60, 16)
_WIDE = 120


class DeskScreen(Screen[None]):
    """Subclasses give their body, and bring it up to date in :meth:`sync`."""

    NAME: ClassVar[str] = ""
    BINDINGS: ClassVar[list[BindingType]] = bindings("replay")

    def __init__(self, desk: Desk, look: Look) -> None:
        super().__init__()
        self.desk = desk
        self.look = look

    def compose(self) -> ComposeResult:
        """Header, body, footer; and what is said in their place when there is no room."""
        yield TopBar(self.desk, self.NAME, self.look)
        yield from self.body()
        if self.desk.replay:
            yield ReplayBar(self.desk.replay, self.look)
        yield Footer(compact=True)
        yield Static(id="no-room", markup=False)

    def body(self) -> Iterable[Widget]:
        """The widgets between header and footer."""
        return ()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """No key of ours holds while something is typed; the transport's hold in a replay."""
        if action == "replay" and self.desk.replay is None:
            return False
        return not isinstance(self.focused, Input)

    def action_replay(self, what: str) -> None:
        """A key of the transport."""
        self.query_one(ReplayBar).do(what)

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
        for bar in self.query(ReplayBar):
            bar.refresh()

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

    def copy_json(self, things: Iterable[object], what: str) -> None:
        """Copy things as JSON, one a line, through the terminal (OSC 52)."""
        lines = (msgspec.json.encode(thing).decode() for thing in things)
        self.app.copy_to_clipboard("\n".join(lines))
        self.notify(f"Copied {what} as JSON.")

    async def copy_transcript(self, record: Record) -> None:
        """Copy what was said in a session, through the terminal (OSC 52)."""
        if events := await self.desk.transcript(record.session):
            text, whole = clipboard_text(events, self.look)
            self.app.copy_to_clipboard(text)
            clipped = "" if whole else " Only its beginning: terminals take no more. s saves all."
            self.notify(f"Copied the transcript.{clipped}")
        else:
            self.notify("The transcript of this session is no longer kept.", severity="warning")

    async def ask_to_save(self, records: Sequence[Record], wanted: Filter | None = None) -> None:
        """Let the operator save what is meant, or all that passes ``wanted``."""
        if records:
            dialog = SaveDialog(self.desk, self.look, records, wanted)
            await self.app.push_screen(dialog, self._saved)
        else:
            self.notify("There is nothing to save: no transaction is chosen.")

    def _saved(self, told: str | None) -> None:
        if told:
            self.app.notify(told)

    async def ask_for_entry(
        self, list_: ListName, abouts: Sequence[Mapping[Kind, str]], kind: Kind
    ) -> None:
        """Let the operator ban or allow what ``abouts`` tell of: a value for each kind."""
        dialog = EntryDialog(self.desk, self.look, list_, abouts, kind)
        await self.app.push_screen(dialog, self._entered)

    def _entered(self, entries: Sequence[Entry] | None) -> None:
        if not entries:
            return
        first = entries[0]
        done = "Banned" if first.list == "ban" else "Allowed"
        what = f"{first.kind} {first.value}" if len(entries) == 1 else f"{len(entries)} at once"
        if self.desk.replay:
            done, what = "Rehearsing:", draw_rehearsal(self.desk.replay.rehearsal)
        self.app.notify(f"{done} {what}. u takes it back.")
        for table in self.query(LineTable):
            table.unmark()
