"""Rows below a header, with a cursor that stays with its row while others come and go."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, ClassVar, Protocol

from textual import events
from textual.binding import BindingType
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView

from monitor.ui.keymap import bindings

__all__ = ["CursorView", "Rows"]


class Rows(Protocol):
    """What a table shows. A key stays with its row while rows come and go around it."""

    def __len__(self) -> int: ...

    def key(self, index: int) -> Any:
        """The key of the row at ``index``."""
        ...

    def place(self, key: Any) -> int:
        """Where the row of ``key`` stands, or where it would."""
        ...

    def edition(self, index: int) -> Any:
        """Grows when the row at ``index`` changes."""
        ...

    def item(self, index: int) -> tuple[Hashable, Any]:
        """What the row at ``index`` shows, with a name that it keeps wherever it stands."""
        ...


class CursorView(ScrollView, can_focus=True, inherit_bindings=False):
    """The rows, the one that the cursor is on, and the one at the top of the screen.

    Call :meth:`sync` when rows have come, gone or changed. The cursor and the scroll
    position stay with their rows; while ``follow`` is on, both stay at the end.
    """

    BINDINGS: ClassVar[list[BindingType]] = bindings("table")
    follow = reactive(False)

    class Moved(Message, namespace="line_table"):
        """The cursor is on another row. ``by_hand`` is False while it follows."""

        def __init__(self, by_hand: bool) -> None:
            super().__init__()
            self.by_hand = by_hand

    class AtEnd(Message, namespace="line_table"):
        """The first or the last row was reached: there may be more to fetch."""

        def __init__(self, top: bool) -> None:
            super().__init__()
            self.top = top

    def __init__(self, rows: Rows, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.rows = rows
        self.cursor: int | None = None
        self._key: Any = None
        self._top: Any = None

    @property
    def page(self) -> int:
        """How many rows fit below the header."""
        return max(1, self.scrollable_content_region.height - 1)

    def sync(self) -> None:
        """Take note of changed rows."""
        count = len(self.rows)
        # Assigned, it would lay out the whole screen anew, many times a second.
        self.set_reactive(CursorView.virtual_size, Size(0, count + 1))
        self.vertical_scrollbar.window_virtual_size = count + 1
        if not count:
            self.cursor = self._key = self._top = None
            self.refresh()
            return
        before = self._key
        if self.follow:
            self.cursor = count - 1
        else:
            place = 0 if before is None else self.rows.place(before)
            self.cursor = min(place, count - 1)
            if self._top is not None:
                self._scroll(self.rows.place(self._top))
        self._key = self.rows.key(self.cursor)
        if self.follow:
            self._scroll(count)
        self.refresh()
        if self._key != before:
            self.post_message(self.Moved(by_hand=False))

    def start_anew(self, *, top: bool) -> None:
        """Other rows have come in place of those that were shown: go to the first or the last."""
        index = 0 if top else len(self.rows) - 1
        self._key = self._top = self.rows.key(index) if len(self.rows) else None
        self.sync()
        self.move(index)

    def move(self, index: int) -> None:
        """Put the cursor on a row and bring it into sight."""
        if not len(self.rows):
            return
        index = max(0, min(index, len(self.rows) - 1))
        if index != self.cursor:
            self.cursor = index
            self._key = self.rows.key(index)
            self.refresh()
            self.post_message(self.Moved(by_hand=True))
        self._into_sight(index)
        self._tell_end(index == 0, index == len(self.rows) - 1)

    def on_resize(self) -> None:
        """The cursor stays in sight where less room is left."""
        if self.follow:
            self._scroll(len(self.rows))
        elif self.cursor is not None:
            self._into_sight(self.cursor)

    def _into_sight(self, index: int) -> None:
        top = round(self.scroll_target_y)
        if index < top:
            self._scroll(index)
        elif index >= top + self.page:
            self._scroll(index - self.page + 1)

    def _tell_end(self, top: bool, bottom: bool) -> None:
        if top or bottom:
            self.post_message(self.AtEnd(top))

    def _scroll(self, top: int) -> None:
        top = max(0, min(top, len(self.rows) - self.page))
        if top != round(self.scroll_y):
            self.scroll_to(y=top, animate=False, force=True)
        self._top = self.rows.key(top) if len(self.rows) else None

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Remember the row at the top, whoever scrolled."""
        super().watch_scroll_y(old_value, new_value)
        top = round(new_value)
        if 0 <= top < len(self.rows):
            self._top = self.rows.key(top)
        if top != round(old_value):
            self._tell_end(top == 0, top == len(self.rows) - self.page)

    # -- keys

    def action_cursor_up(self) -> None:
        """One row up."""
        self.follow = False
        self.move((self.cursor or 0) - 1)

    def action_cursor_down(self) -> None:
        """One row down."""
        self.move((self.cursor or 0) + 1)

    def action_page_up(self) -> None:
        """A page up."""
        self.follow = False
        self.move((self.cursor or 0) - self.page)

    def action_page_down(self) -> None:
        """A page down."""
        self.move((self.cursor or 0) + self.page)

    def action_top(self) -> None:
        """To the first row."""
        self.follow = False
        self.move(0)

    def action_bottom(self) -> None:
        """To the last row."""
        self.move(len(self.rows) - 1)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Looking back stops following."""
        self.follow = False
