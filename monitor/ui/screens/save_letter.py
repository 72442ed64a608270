"""The question where a letter is to be saved."""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Grid, Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Label, Static

from monitor.insight.questions import Written
from monitor.letter.file import FORMS, form, save
from monitor.ui.cells import safe
from monitor.ui.look import Look
from monitor.ui.widgets.choice import Choice

__all__ = ["SaveLetterDialog"]

_NAMES = tuple(FORMS)
_WORDS = ("text", "Markdown", "mail draft")


class SaveLetterDialog(ModalScreen[str | None]):
    """Closes with the path of the new file; None where none was written."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "confirm", "Save", priority=True),
        Binding("escape", "dismiss(None)", "Cancel", priority=True),
    ]

    def __init__(self, sender: str, written: Written, look: Look) -> None:
        super().__init__()
        self._stem = "letter-" + re.sub(r"[^\w.-]+", "-", sender)
        self._written = written
        self._look = look

    def compose(self) -> ComposeResult:
        """The form and the path."""
        with Vertical(id="dialog") as dialog:
            dialog.border_title = "Save the letter"
            with Grid():
                yield Label("As")
                yield Choice(_WORDS, self._look, chosen=2, id="form")
                yield Label("File")
                yield Input(self._path(2), id="path", compact=True)
            yield Static(id="hint", markup=False)
            yield Static("enter saves   tab next field   esc cancels", id="keys", markup=False)

    def _path(self, chosen: int) -> str:
        return f"{self._stem}{FORMS[_NAMES[chosen]]}"

    def on_choice_changed(self, event: Choice.Changed) -> None:
        """Another form has another ending."""
        field = self.query_one("#path", Input)
        if field.value in map(self._path, range(len(_NAMES))):
            field.value = self._path(event.choice.chosen)

    def action_confirm(self) -> None:
        """Write the file; a file that is there stays as it is."""
        path = Path(self.query_one("#path", Input).value.strip()).expanduser()
        try:
            save(path, form(self._written, _NAMES[self.query_one(Choice).chosen]))
        except FileExistsError:
            self._say(f"{path} is there already; name another.")
        except OSError as error:
            self._say(f"{path}: {error.strerror}")
        except ValueError as error:  # a NUL in it
            self._say(str(error))
        else:
            self.dismiss(str(path))

    def _say(self, text: str) -> None:
        self.query_one("#hint", Static).update(Text(safe(text), self._look.palette.error))
