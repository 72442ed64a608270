"""The line where a filter is typed, and the place of its error below."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.suggester import Suggester
from textual.widgets import Input, Label, Static

from monitor.filter import Filter, FilterError, complete, parse, replace
from monitor.ui.cells import safe, width
from monitor.ui.look import Look

__all__ = ["FilterBar"]

_PROMPT = " / "
_REMEMBERED = 50


class _Completions(Suggester):
    def __init__(self) -> None:
        super().__init__(use_cache=False, case_sensitive=True)

    async def get_suggestion(self, value: str) -> str | None:
        if not value or value[-1] in ' ()"':
            return None
        choices = complete(value, len(value))
        return replace(value, len(value), choices[0])[0] if choices else None


class FilterInput(Input):
    """Up and down go through what was typed before; right takes the completion."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel"),
        Binding("up", "remember(-1)", "Earlier", show=False),
        Binding("down", "remember(1)", "Later", show=False),
    ]

    class Cancelled(Message):
        """The operator wants the filter of before."""

    def __init__(self) -> None:
        super().__init__(
            placeholder='from:example.org  sev>=warning  code:4xx  "two words"   (? for more)',
            suggester=_Completions(),
            compact=True,
            select_on_focus=False,
        )
        self._past: list[str] = []
        self._at = 0

    def keep(self) -> None:
        """Remember what stands here."""
        if self.value and self.value not in self._past[-1:]:
            self._past.append(self.value)
            del self._past[:-_REMEMBERED]
        self._at = len(self._past)

    def action_cancel(self) -> None:
        """Give up."""
        self.post_message(self.Cancelled())

    def action_remember(self, by: int) -> None:
        """Bring back what was typed before."""
        self._at = max(0, min(self._at + by, len(self._past)))
        self.value = self._past[self._at] if self._at < len(self._past) else ""
        self.cursor_position = len(self.value)


def _unfinished(text: str) -> bool:
    """True while the last word may become a term: as a mere word it would find nothing."""
    last = text.split(" ")[-1].lstrip("(")
    return bool(last) and last.isalpha() and bool(complete(text, len(text)))


class FilterBar(Vertical):
    """Tells of each filter that is understood while it is typed."""

    class Changed(Message):
        """A filter was understood; None shows everything. ``done`` when it was entered."""

        def __init__(self, wanted: Filter | None, done: bool) -> None:
            super().__init__()
            self.wanted = wanted
            self.done = done

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self._before = ""

    def compose(self) -> ComposeResult:
        """The prompt, and room for an error."""
        with Horizontal():
            yield Label(_PROMPT)
            yield FilterInput()
        yield Static(id="fault", markup=False)

    @property
    def input(self) -> FilterInput:
        """Where the filter is typed."""
        return self.query_one(FilterInput)

    def open(self) -> None:
        """Show the bar and take the keys."""
        self._before = self.input.value
        self.add_class("-open")
        self.screen.set_focus(self.input)  # at once: the next key is for it

    def close(self) -> None:
        """Hide the bar."""
        self.remove_class("-open")

    def clear(self) -> None:
        """No filter any more."""
        self.input.value = ""

    def set(self, text: str) -> None:
        """Filter by ``text``."""
        self.input.value = text
        self.input.keep()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Understand what was typed, or show where that fails."""
        event.stop()
        if not _unfinished(event.value):
            self._understand(event.value, done=False)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Keep it, when it is understood."""
        event.stop()
        if self._understand(event.value, done=True):
            self.input.keep()
            self.close()

    def on_filter_input_cancelled(self) -> None:
        """Back to the filter of before."""
        self.input.value = self._before
        self._understand(self._before, done=True)
        self.close()

    def _understand(self, text: str, *, done: bool) -> bool:
        fault = self.query_one("#fault", Static)
        try:
            wanted = parse(text) if text.strip() else None
        except FilterError as error:
            indent = width(_PROMPT) + width(safe(text[: error.position]))
            told = safe(error.message)
            fits = indent + 2 + width(told) <= self.size.width
            line = f"{' ' * indent}^" + (f" {told}" if fits else f"\n   {told}")
            fault.update(Text(line, self._look.palette.error))
            self.add_class("-fault")
            return False
        fault.update("")
        self.remove_class("-fault")
        self.post_message(self.Changed(wanted, done))
        return True
