"""A plot over time, with a legend above it that tells the present values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate, groupby
from typing import NamedTuple

from rich.style import Style
from textual.strip import Strip
from textual_plotext import PlotextPlot

from monitor.ui.draw.line import Line
from monitor.ui.draw.plot import amount, nice_top
from monitor.ui.look import Look
from monitor.ui.palette import Palette

__all__ = ["Chart", "Series"]

_FRAME = str.maketrans("┌┐└┘├┤┬┴┼─│", "+++++++++-|")


class Series(NamedTuple):
    """What is plotted: a word for the legend, a shorter one, and its style."""

    name: str
    short: str
    style: Callable[[Palette], Style]


class Chart(PlotextPlot):
    """Filled series, told apart by their shade where there are no colours.

    ``values`` gives the series, as many numbers in each, the newest last: ``stacked`` on
    each other, or one in front of the other, the last behind.
    """

    theme = "clear"  # colours are ours: what is drawn is known by its shade

    def __init__(
        self,
        title: str,
        series: Sequence[Series],
        values: Callable[[], Sequence[Sequence[float]]],
        look: Look,
        *,
        stacked: bool = False,
        unit: str = "",
    ) -> None:
        super().__init__()
        self._title = title
        self._series = series
        self._values = values
        self._look = look
        self._stacked = stacked
        self._unit = unit
        self._ends = ("", "", "")
        self._now: Sequence[float] = ()
        self._lines: list[str] = []

    def on_resize(self) -> None:
        """As large as there is room."""
        self.draw(self._ends)

    def draw(self, ends: tuple[str, str, str]) -> None:
        """Plot the present values; ``ends`` are the words at the start, middle and end of time."""
        self._ends = ends
        values = self._values()
        self._now = [one[-1] for one in values]
        width, height = self.size.width, self.size.height - 1
        if width > 0 and height > 0:
            self._lines = self._plotted(values, ends, width, height)
        self.refresh()

    def _plotted(
        self, values: Sequence[Sequence[float]], ends: Sequence[str], width: int, height: int
    ) -> list[str]:
        layers = [list(one) for one in values]
        if self._stacked:
            layers = [list(column) for column in zip(*map(accumulate, zip(*values, strict=True)),
                                                     strict=True)]  # fmt: skip
        count = len(layers[0])
        top = nice_top(max(map(max, layers)))
        self.plt.clear_figure()
        self.plt.theme("clear")
        self.plt.plotsize(width, height)
        self.plt._set_size(width, height)
        self.plt.xaxes(True, False)
        self.plt.yaxes(True, False)
        self.plt.xlim(0, count - 1)
        self.plt.ylim(0, top)
        self.plt.yticks([0, top / 2, top], [amount(y) for y in (0, top / 2, top)])
        self.plt.xticks([0, (count - 1) / 2, count - 1], list(ends))
        shades = self._look.marks.shades
        for layer, shade in reversed(list(zip(layers, shades, strict=False))):
            for some, run in groupby(range(count), lambda x: layer[x] > 0):  # noqa: B023
                xs = list(run)
                if some:  # else it would draw a line for nothing
                    self.plt.plot(xs, [layer[x] for x in xs], fillx=True, marker=shade)
        self.plt.scatter([0], [top], marker=" ")  # without a point there would be no axes
        drawn: str = self.plt.uncolorize(self.plt.build())
        return drawn.splitlines()

    def render_line(self, y: int) -> Strip:
        """The legend, or a line of the plot."""
        return (self._legend() if y == 0 else self._plot_line(y - 1)).strip(
            self.size.width, self.rich_style
        )

    def _legend(self) -> Line:
        full = self._legend_of([f" {series.name}" for series in self._series], 2)
        if full.width <= self.size.width:
            return full
        return self._legend_of([series.short for series in self._series], 1)

    def _legend_of(self, names: Sequence[str], gap: int) -> Line:
        palette, shades = self._look.palette, self._look.marks.shades
        line = Line().put(self._title, palette.strong)
        for series, name, shade, now in zip(self._series, names, shades, self._now, strict=False):
            line.gap(gap).put(f"{shade}{name} ", series.style(palette))
            line.put(f"{amount(now)}{self._unit}", palette.text)
        return line

    def _plot_line(self, y: int) -> Line:
        line, look = Line(), self._look
        styles = {
            shade: series.style(look.palette)
            for series, shade in zip(self._series, look.marks.shades, strict=False)
        }
        text = self._lines[y] if y < len(self._lines) else ""
        if look.marks.rule == "-":
            text = text.translate(_FRAME)
        for style, run in groupby(text, lambda char: styles.get(char, look.palette.muted)):
            line.put("".join(run), style)
        return line
