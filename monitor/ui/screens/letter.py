"""A letter to a sender's postmaster: to be read, copied or saved. mxtap sends none."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from rich.text import Text
from textual.binding import BindingType
from textual.widget import Widget
from textual.widgets import Static

from monitor.control.feed import FeedError
from monitor.insight.questions import Written
from monitor.ui.cells import safe
from monitor.ui.desk import Desk
from monitor.ui.keymap import bindings
from monitor.ui.look import Look
from monitor.ui.screens.base import DeskScreen
from monitor.ui.screens.save_letter import SaveLetterDialog
from monitor.ui.widgets.lines import Lines

__all__ = ["LetterScreen"]


class LetterScreen(DeskScreen):
    """The letter as text. Our users are left out, unless the operator wants them in."""

    NAME = "letter"
    AUTO_FOCUS = "#letter"
    BINDINGS: ClassVar[list[BindingType]] = bindings("letter")

    def __init__(self, desk: Desk, look: Look, sender: str) -> None:
        super().__init__(desk, look)
        self._sender = sender
        self._written: Written | None = None
        self._redact = True

    def body(self) -> Iterable[Widget]:
        """One text."""
        yield Lines(id="summary")
        yield Lines(id="letter")
        yield Static(id="empty", markup=False)

    def on_mount(self) -> None:
        """Ask at once."""
        self._ask()

    def _ask(self) -> None:
        self._written = None
        self._say(f"Writing to {self._sender} …")
        self.run_worker(self._fetch(), exclusive=True, group="study")

    async def _fetch(self) -> None:
        try:
            self._written = await self.desk.letter(self._sender, redact=self._redact)
        except FeedError as error:
            self._say(str(error))
        else:
            self.set_class(False, "-empty")
            self.restyle()

    def _say(self, text: str) -> None:
        self.query_one("#empty", Static).update(Text(safe(text), self.look.palette.muted))
        self.set_class(True, "-empty")

    def restyle(self) -> None:
        """Draw it."""
        if self._written is None:
            return
        palette = self.look.palette
        names = (
            Text("Your users are left out; f puts them in.", palette.muted)
            if self._redact
            else Text("It names your users; f leaves them out.", palette.warning)
        )
        told = Text("It is not sent: y copies it, s saves it for your mail program. ", palette.text)
        self.query_one("#summary", Lines).show([told + names])
        lines = self._written.text.splitlines()
        self.query_one("#letter", Lines).show([Text(safe(line), palette.text) for line in lines])

    # -- keys

    def action_full(self) -> None:
        """With our users' addresses, or without."""
        self._redact = not self._redact
        self._ask()

    def action_copy(self) -> None:
        """Copy it as text, through the terminal (OSC 52)."""
        if self._written:
            self.app.copy_to_clipboard(self._written.text)
            self.notify("Copied the letter.")

    async def action_save(self) -> None:
        """Save it to a file."""
        if self._written:
            dialog = SaveLetterDialog(self._sender, self._written, self.look)
            await self.app.push_screen(dialog, self._saved)

    def _saved(self, path: str | None) -> None:
        if path:
            self.notify(f"Saved {path}.")

    def action_back(self) -> None:
        """Back to where it was asked for."""
        self.dismiss()
