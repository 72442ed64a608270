"""The question where a replay is to go on."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from monitor.capture.place import place
from monitor.capture.reel import Reel
from monitor.record import moment
from monitor.ui.cells import safe
from monitor.ui.look import Look

__all__ = ["SeekDialog"]


class SeekDialog(ModalScreen[float | None]):
    """Closes with a time of the session, epoch seconds; None to stay. Times are local."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Cancel", priority=True)
    ]

    def __init__(self, reel: Reel, look: Look) -> None:
        super().__init__()
        self._reel = reel
        self._look = look

    def compose(self) -> ComposeResult:
        """A field."""
        with Vertical(id="dialog") as dialog:
            dialog.border_title = "Go to"
            yield Input(placeholder="12:34:56, +90s from the start, or 50%", compact=True)
            yield Static(id="hint", markup=False)
            yield Static("enter goes there   esc stays", id="keys", markup=False)

    def on_mount(self) -> None:
        """Say what there is."""
        first, last = (moment(at).astimezone() for at in (self._reel.start, self._reel.end))
        told = f"It goes from {first:%d %b %Y %H:%M:%S} to {last:%d %b %Y %H:%M:%S}."
        self.query_one("#hint", Static).update(Text(told, self._look.palette.muted))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Go, where that is understood."""
        try:
            self.dismiss(place(event.value.strip(), self._reel, zone=None))
        except ValueError as error:
            told = Text(safe(str(error)), self._look.palette.error)
            self.query_one("#hint", Static).update(told)
