"""Text at the edge of the screen: harmless, and of a known width.

Every text that came from outside passes through here on its way to a widget, though the
events are printable already. Beyond what :func:`monitor.text.printable` does, runs of
combining marks are cut short and variation selectors are made visible: a terminal and
Textual would count their cells differently, and the line would slip.
"""

from __future__ import annotations

from typing import Literal

from rich.cells import cell_len, get_character_cell_size

from monitor.text import printable

__all__ = ["ELLIPSIS", "clip", "fit", "safe", "width"]

Keep = Literal["start", "end", "middle"]
ELLIPSIS = "…"
_MAX_MARKS = 2  # combining marks on one character; more are shown as escapes
_MAX_LENGTH = 10_000


def safe(text: str | bytes) -> str:
    """``text`` as it may be shown."""
    shown = printable(text, _MAX_LENGTH)
    return shown if shown.isascii() else _tame(shown)


def width(text: str) -> int:
    """How many cells ``text`` takes."""
    return cell_len(text)


def clip(text: str, cells: int, keep: Keep = "start") -> str:
    """``text`` made safe and cut to ``cells``, the cut marked."""
    text = safe(text)
    if cells <= 0:
        return ""
    if len(text) * 2 <= cells or cell_len(text) <= cells:
        return text
    room = cells - 1
    if keep == "start":
        return _head(text, room) + ELLIPSIS
    if keep == "end":
        return ELLIPSIS + _tail(text, room)
    left = room // 2
    return _head(text, left) + ELLIPSIS + _tail(text, room - left)


def fit(text: str, cells: int, keep: Keep = "start", align: Literal["<", ">"] = "<") -> str:
    """``text`` made safe, cut and padded to exactly ``cells``."""
    text = clip(text, cells, keep)
    blank = " " * (cells - cell_len(text))
    return text + blank if align == "<" else blank + text


def _head(text: str, cells: int) -> str:
    taken = 0
    for index, char in enumerate(text):
        taken += get_character_cell_size(char)
        if taken > cells:
            return text[:index]
    return text


def _tail(text: str, cells: int) -> str:
    start = len(text)
    for char in reversed(text):
        cells -= get_character_cell_size(char)
        if cells < 0:
            break
        start -= 1
    while start < len(text) and not get_character_cell_size(text[start]):
        start += 1  # a mark without its base would fall on the ellipsis
    return text[start:]


def _tame(text: str) -> str:
    out: list[str] = []
    marks = _MAX_MARKS  # none may open the text: it would join what stands before it
    for char in text:
        if get_character_cell_size(char):
            marks = 0
            out.append(char)
            continue
        marks += 1
        selector = "\ufe00" <= char <= "\ufe0f" or char >= "\U000e0100"
        if selector or marks > _MAX_MARKS:
            code = ord(char)
            out.append(f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}")
        else:
            out.append(char)
    return "".join(out)
