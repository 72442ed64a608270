"""One of a few words, on one line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from monitor.ui.draw.line import Line
from monitor.ui.look import Look

__all__ = ["Choice"]


class Choice(Widget, can_focus=True):
    """Left and right change it; the chosen word is in brackets, so that it needs no colour."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "step(-1)", "Before", show=False, priority=True),
        Binding("right,l,space", "step(1)", "Next", show=False, priority=True),
    ]
    chosen = reactive(0)

    class Changed(Message):
        """Another word was chosen."""

        def __init__(self, choice: Choice) -> None:
            super().__init__()
            self.choice = choice

        @property
        def control(self) -> Choice:
            """The widget."""
            return self.choice

    def __init__(
        self, words: Sequence[str], look: Look, *, chosen: int = 0, id: str | None = None
    ) -> None:
        super().__init__(id=id)
        self._words = words
        self._look = look
        self.set_reactive(Choice.chosen, chosen)

    def watch_chosen(self) -> None:
        """Tell of the change."""
        self.post_message(self.Changed(self))

    def action_step(self, by: int) -> None:
        """Choose a neighbour."""
        self.chosen = (self.chosen + by) % len(self._words)

    def on_click(self, event: events.Click) -> None:
        """Choose the word that was clicked."""
        x = 0
        for index, word in enumerate(self._words):
            if x <= event.x < x + len(word) + 2:
                self.chosen = index
            x += len(word) + 2

    def render_line(self, y: int) -> Strip:
        """The words."""
        line = Line()
        for index, word in enumerate(self._words):
            if index == self.chosen:
                style = self._look.palette.accent if self.has_focus else self._look.palette.strong
                line.put(f"[{word}]", style)
            else:
                line.put(f" {word} ", self._look.palette.muted)
        return line.strip(self.size.width, self.rich_style)
