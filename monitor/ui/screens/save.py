"""The dialog that saves: sessions as a capture, a message as it came."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Literal

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Grid, Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Label, Static
from textual.worker import Worker

from monitor.capture.export import Message, message
from monitor.capture.file import save_message
from monitor.capture.format import CaptureError
from monitor.control.feed import FeedError
from monitor.filter import Filter
from monitor.record import Record
from monitor.ui.cells import safe
from monitor.ui.desk import Desk
from monitor.ui.look import Look
from monitor.ui.saving import evidence, file_name, matching, save, sessions_of, told
from monitor.ui.widgets.choice import Choice

__all__ = ["SaveDialog"]

What = Literal["sessions", "matching", "message"]


class SaveDialog(ModalScreen[str | None]):
    """Closes with what was saved, in a sentence; None where nothing was."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "confirm", "Save", priority=True),
        Binding("escape", "cancel", "Cancel", priority=True),
        Binding("tab,down", "app.focus_next", "Next", show=False, priority=True),
        Binding("shift+tab,up", "app.focus_previous", "Before", show=False, priority=True),
    ]

    def __init__(
        self, desk: Desk, look: Look, records: Sequence[Record], wanted: Filter | None
    ) -> None:
        """``records`` are those that are meant, one at least; ``wanted`` is the filter."""
        super().__init__()
        self._desk = desk
        self._look = look
        self._records = records
        self._wanted = wanted
        self._message: Message | None = None
        self._looking = len(records) == 1
        self._busy: Worker[None] | None = None
        many = len(sessions_of(records))
        self._words: dict[What, str] = {
            "sessions": f"{many} sessions" if many > 1 else "the session",
            **({"matching": "all that match"} if wanted else {}),
            **({"message": "the message"} if len(records) == 1 else {}),
        }

    def compose(self) -> ComposeResult:
        """What, and the file."""
        with Vertical(id="dialog") as dialog:
            dialog.border_title = "Save"
            with Grid():
                yield Label("What")
                yield Choice(tuple(self._words.values()), self._look, id="what")
                yield Label("File")
                yield Input(self._file("sessions"), id="path", compact=True, select_on_focus=False)
            yield Static(id="hint", markup=False)
            yield Static("enter saves   tab next field   esc cancels", id="keys", markup=False)

    @property
    def _what(self) -> What:
        return list(self._words)[self.query_one(Choice).chosen]

    def _file(self, what: What) -> str:
        many = what == "matching" or len(self._records) > 1
        return file_name(self._records[0], many, message=what == "message")

    async def on_mount(self) -> None:
        """See what there is."""
        self._hint()
        if len(self._records) == 1:
            self.run_worker(self._look_up(self._records[0]))

    async def _look_up(self, record: Record) -> None:
        try:
            self._message = message(await evidence(self._desk, record.session), record.id)
        except FeedError as error:
            self._say(str(error), wrong=True)
        else:
            self._looking = False
            self._hint()

    def on_choice_changed(self) -> None:
        """Something else has another name."""
        field = self.query_one("#path", Input)
        if field.value in map(self._file, self._words):
            field.value = self._file(self._what)
        self._hint()

    def _hint(self) -> None:
        found = self._message
        if self._what == "matching" and self._wanted:
            self._say(f"Every session in history that matches {self._wanted.text}")
        elif len(self._records) > 1:
            self._say("What was said, found and asked; messages as far as they were captured.")
        elif self._looking:
            self._say("looking for its message …")
        elif found is None:
            self._say("Nothing of a message was captured.")
        elif found.whole:
            self._say(f"Its message was captured in full: {len(found.octets):,} octets.")
        else:
            self._say("Its message was not captured in full: there is its header only.")

    def _say(self, text: str, *, wrong: bool = False) -> None:
        style = self._look.palette.error if wrong else self._look.palette.muted
        self.query_one("#hint", Static).update(Text(safe(text), style))

    def action_cancel(self) -> None:
        """Close; or give up what is being saved, which leaves no file."""
        if self._busy is None:
            self.dismiss(None)
        else:
            self._busy.cancel()
            self._busy = None
            self._say("given up; nothing was saved")

    def action_confirm(self) -> None:
        """Save, to a file that is not there yet."""
        if self._busy is not None:
            return
        try:
            path = Path(self.query_one("#path", Input).value.strip()).expanduser()
        except RuntimeError as error:  # a home that is none
            self._say(str(error), wrong=True)
        else:
            self._busy = self.run_worker(self._save(path))

    async def _save(self, path: Path) -> None:
        try:
            done = await self._saved(path)
        except (CaptureError, FeedError) as error:
            self._busy = None
            self._say(str(error), wrong=True)
        else:
            self.dismiss(done)

    async def _saved(self, path: Path) -> str:
        if self._what == "message":
            if self._looking:
                raise CaptureError("still looking for the message; try again in a moment")
            if self._message is None:
                raise CaptureError("nothing of a message was captured")
            save_message(path, self._message.octets)
            what = "the message" if self._message.whole else "the header, all that was captured,"
            return f"Saved {what} to {path}."
        sessions = sessions_of(self._records)
        if self._what == "matching" and self._wanted:
            sessions = await matching(self._desk, self._wanted.text, self._say)
        return told(await save(self._desk, path, sessions, self._say), len(sessions), path)
