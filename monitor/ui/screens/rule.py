"""The question which rule is to be held against the past."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from monitor.insight.whatif.words import FORMS, Given, scenario
from monitor.ui.cells import safe
from monitor.ui.look import Look

__all__ = ["RuleDialog"]


class RuleDialog(ModalScreen[str | None]):
    """Closes with a scenario as ``mxtap whatif`` takes it; None for none."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Cancel", priority=True)
    ]

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look

    def compose(self) -> ComposeResult:
        """A field, and what may be in it."""
        with Vertical(id="dialog") as dialog:
            dialog.border_title = "Try a rule"
            yield Input(placeholder="ban:net=192.0.2.0/24", compact=True)
            yield Static(id="hint", markup=False)
            yield Static("enter tries it   esc cancels", id="keys", markup=False)

    def on_mount(self) -> None:
        """Say what there is."""
        told = Text("   ".join(FORMS), self._look.palette.muted)
        self.query_one("#hint", Static).update(told)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take it, where it is a rule."""
        word = event.value.strip()
        try:
            scenario(word, Given())
        except ValueError as error:
            told = Text(safe(str(error)), self._look.palette.error)
            self.query_one("#hint", Static).update(told)
        else:
            self.dismiss(word)
