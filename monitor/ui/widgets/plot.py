"""A small plot: a title with the present value, and bars over time."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from monitor.ui.draw.line import Line
from monitor.ui.draw.plot import bars
from monitor.ui.look import Look
from monitor.ui.palette import Palette

__all__ = ["Plot"]


class Plot(Widget):
    """Draws what ``series`` gives for a number of buckets, the newest to the right."""

    def __init__(
        self,
        title: str,
        series: Callable[[int], Sequence[float]],
        style: Callable[[Palette], Style],
        look: Look,
        *,
        unit: str = "",
    ) -> None:
        super().__init__()
        self._title = title
        self._series = series
        self._style = style
        self._look = look
        self._unit = unit
        self._values: Sequence[float] = ()

    def sync(self) -> None:
        """Draw the present values."""
        self._values = self._series(max(1, self.size.width))
        self.refresh()

    def on_resize(self) -> None:
        """As many bars as there are cells."""
        self.sync()

    def render_line(self, y: int) -> Strip:
        """The title, or a line of the bars."""
        palette = self._look.palette
        width, height = self.size.width, self.size.height - 1
        if y == 0:
            last = self._values[-1] if self._values else 0
            line = Line().put(self._title, palette.strong).gap(2)
            line.put(f"{last:,.0f}{self._unit}", self._style(palette))
            line.put(f"   most {max(self._values, default=0):,.0f}{self._unit}", palette.muted)
        else:
            drawn = bars(self._values, height, self._look.marks.blocks)
            line = Line().put(drawn[y - 1], self._style(palette))
        return line.strip(width, self.rich_style)
