"""A line under construction: styled pieces of a known width."""

from __future__ import annotations

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from monitor.ui.cells import Keep, clip, fit, width

__all__ = ["Line"]


class Line:
    """Pieces of text from left to right; each is made safe as it is put in."""

    def __init__(self) -> None:
        self._segments: list[Segment] = []
        self.width = 0

    def put(self, text: str, style: Style, cells: int = 0, keep: Keep = "start") -> Line:
        """Add ``text``, cut and padded to ``cells`` when given."""
        shown = fit(text, cells, keep) if cells else clip(text, 10_000)
        self._segments.append(Segment(shown, style))
        self.width += cells or width(shown)
        return self

    def gap(self, cells: int = 1) -> Line:
        """Add blank cells."""
        if cells > 0:
            self._segments.append(Segment(" " * cells))
            self.width += cells
        return self

    def join(self, other: Line) -> Line:
        """Add another line behind this one."""
        self._segments.extend(other._segments)
        self.width += other.width
        return self

    def strip(self, cells: int, base: Style) -> Strip:
        """The line at exactly ``cells``, over ``base``."""
        strip = Strip(self._segments, self.width)
        return strip.adjust_cell_length(cells).apply_style(base)
