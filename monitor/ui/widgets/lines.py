"""Paragraphs, wrapped to the width; only the lines on the screen are drawn."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import ClassVar

from rich.console import Console
from rich.text import Text
from textual import events
from textual.binding import BindingType
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from monitor.ui.keymap import bindings

__all__ = ["Lines"]

_LEAD = re.compile(r"\s*(?:\d+\.\d+\s+)?(?:\S\s)?")  # a time and a sign, in front of the text


class Lines(ScrollView, can_focus=True, inherit_bindings=False):
    """Scrollable text. Continued lines hang below the start of their paragraph's text."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("lines")

    def __init__(self, paragraphs: Iterable[Text] = (), *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._paragraphs: Sequence[Text] = list(paragraphs)
        self._strips: list[Strip] = []
        self._wrapped = 0

    def show(self, paragraphs: Iterable[Text], *, top: bool = True) -> None:
        """Show other text, from its top unless told otherwise."""
        self._paragraphs = list(paragraphs)
        self._wrap()
        if top:
            self.scroll_to(y=0, animate=False, force=True)

    @property
    def plain(self) -> list[str]:
        """The lines as they are wrapped, for tests and for copying."""
        return [strip.text.rstrip() for strip in self._strips]

    def on_resize(self, event: events.Resize) -> None:
        """Wrap to the new width."""
        if self.scrollable_content_region.width != self._wrapped:
            self._wrap()

    def _wrap(self) -> None:
        width = self.scrollable_content_region.width
        self._wrapped = width
        self._strips = (
            [strip for text in self._paragraphs for strip in _wrap(text, width, self.app.console)]
            if width > 0
            else []
        )
        self.virtual_size = Size(0, len(self._strips))
        self.refresh(layout=self.styles.auto_dimensions)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """What an automatic height is: of the text as it is, at the width that it gets."""
        return sum(1 for text in self._paragraphs for _ in _wrap(text, width, self.app.console))

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        width = self.scrollable_content_region.width
        index = round(self.scroll_y) + y
        if index >= len(self._strips):
            return Strip.blank(width, self.rich_style)
        return self._strips[index].adjust_cell_length(width).apply_style(self.rich_style)

    def action_cursor_up(self) -> None:
        """One line up."""
        self.scroll_relative(y=-1, animate=False)

    def action_cursor_down(self) -> None:
        """One line down."""
        self.scroll_relative(y=1, animate=False)

    def action_page_up(self) -> None:
        """A page up."""
        self.scroll_page_up(animate=False)

    def action_page_down(self) -> None:
        """A page down."""
        self.scroll_page_down(animate=False)

    def action_top(self) -> None:
        """To the first line."""
        self.scroll_home(animate=False)

    def action_bottom(self) -> None:
        """To the last line."""
        self.scroll_end(animate=False)


def _wrap(text: Text, width: int, console: Console) -> Iterable[Strip]:
    """``text`` in lines of ``width``; what follows the first is indented like its text."""
    if text.no_wrap or text.cell_len <= width:
        yield Strip(text.render(console, end=""))
        return
    first = text.wrap(console, width)[0]
    yield Strip(first.render(console, end=""))
    start = len(first.plain)
    while text.plain[start : start + 1] == " ":
        start += 1
    lead = _LEAD.match(text.plain)
    hang = Text(" " * min(lead.end() if lead else 0, width // 3))
    for line in text[start:].wrap(console, width - len(hang)):
        yield Strip((hang + line).render(console, end=""))
