"""The question at the end of ``mxtap run``."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from monitor.ui.look import Look
from monitor.ui.widgets.choice import Choice

__all__ = ["LeaveDialog"]

_ANSWERS = ("leave it running", "stop it")


class LeaveDialog(ModalScreen[bool | None]):
    """Closes with True when the relay is to stop, False to leave it, None to stay."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "confirm", "Confirm", priority=True),
        Binding("escape,q", "dismiss(None)", "Stay", priority=True),
        Binding("l", "dismiss(False)", "Leave it running", priority=True),
        Binding("s", "dismiss(True)", "Stop it", priority=True),
    ]

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look

    def compose(self) -> ComposeResult:
        """The question and its answers."""
        with Vertical(id="dialog") as dialog:
            dialog.border_title = "Leave"
            yield Static(
                "The relay carries mail. When this screen closes:", id="question", markup=False
            )
            yield Choice(_ANSWERS, self._look, id="answer")
            yield Static(
                "l leave it running   s stop it   enter confirms   esc stays",
                id="keys",
                markup=False,
            )

    def action_confirm(self) -> None:
        """Take the answer that is chosen."""
        self.dismiss(self.query_one(Choice).chosen == 1)
