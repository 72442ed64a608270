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
from monitor.filter.saved import expand
from monitor.ui.cells import safe, width
from monitor.ui.filters import Filters, FiltersError
from monitor.ui.look import Look

__all__ = ["FilterBar"]

_PROMPT = " / "


class _Completions(Suggester):
    """The word that is typed in full; else the last filter of before that begins so."""

    def __init__(self, filters: Filters) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._filters = filters

    async def get_suggestion(self, value: str) -> str | None:
        if value and value[-1] not in ' ()"':
            choices = complete(value, len(value), self._filters.saved)
            if choices:
                return replace(value, len(value), choices[0])[0]
        past = reversed(self._filters.past)
        return next((p for p in past if value and p.startswith(value) and p != value), None)


class FilterInput(Input):
    """Up and down go through what was typed before; right takes the completion."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel"),
        Binding("up", "remember(-1)", "Earlier", show=False),
        Binding("down", "remember(1)", "Later", show=False),
    ]

    class Cancelled(Message):
        """The operator wants the filter of before."""

    def __init__(self, filters: Filters) -> None:
        super().__init__(
            placeholder='from:example.org  sev>=warning  code:4xx  "two words"   (? for more)',
            suggester=_Completions(filters),
            compact=True,
            select_on_focus=False,
        )
        self._filters = filters
        self._back = 0  # how far back in what was typed before

    def keep(self) -> None:
        """Remember what stands here."""
        self._back = 0
        try:
            self._filters.remember(self.value)
        except FiltersError as error:
            self.notify(safe(str(error)), severity="warning")

    def action_cancel(self) -> None:
        """Give up."""
        self.post_message(self.Cancelled())

    def action_remember(self, by: int) -> None:
        """Bring back what was typed before."""
        past = self._filters.past
        self._back = max(0, min(self._back - by, len(past)))
        self.value = past[-self._back] if self._back else ""
        self.cursor_position = len(self.value)


class FilterBar(Vertical):
    """Tells of each filter that is understood while it is typed."""

    class Changed(Message):
        """A filter was understood; None shows everything. ``done`` when it was entered."""

        def __init__(self, wanted: Filter | None, done: bool) -> None:
            super().__init__()
            self.wanted = wanted
            self.done = done

    def __init__(self, filters: Filters, look: Look) -> None:
        super().__init__()
        self._filters = filters
        self._look = look
        self._before = ""

    def compose(self) -> ComposeResult:
        """The prompt, and room for an error."""
        with Horizontal():
            yield Label(_PROMPT)
            yield FilterInput(self._filters)
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
        """Filter by ``text``; where it is not understood, let it be mended."""
        self._before = self.input.value
        self.input.value = text
        if self._understand(text, done=True):
            self.input.keep()
        else:
            self.add_class("-open")
            self.screen.set_focus(self.input)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Understand what was typed, or show where that fails."""
        event.stop()
        if not self._unfinished(event.value):
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

    def _unfinished(self, text: str) -> bool:
        """True while the last word may become a term: as a mere word it would find nothing."""
        last = text.split(" ")[-1].lstrip("(")
        return last.isalpha() and bool(complete(text, len(text), self._filters.saved))

    def _understand(self, text: str, *, done: bool) -> bool:
        fault = self.query_one("#fault", Static)
        try:
            wanted = parse(expand(text, self._filters.saved)) if text.strip() else None
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
