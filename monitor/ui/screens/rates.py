"""How much, how fast, and how well: plots over time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar, NamedTuple

from textual.binding import BindingType
from textual.containers import Container
from textual.reactive import reactive
from textual.widget import Widget

from monitor.ui.desk import Desk
from monitor.ui.keymap import bindings
from monitor.ui.look import Look
from monitor.ui.screens.base import DeskScreen
from monitor.ui.widgets.chart import Chart, Series

__all__ = ["RatesScreen"]

_POINTS = 60


class Span(NamedTuple):
    """A span of time: the seconds of one point, and the words along it."""

    seconds: int
    ends: tuple[str, str, str]


_SPANS = (
    Span(1, ("-60 s", "-30 s", "now")),
    Span(10, ("-10 min", "-5 min", "now")),
    Span(60, ("-60 min", "-30 min", "now")),
)


class RatesScreen(DeskScreen):
    """Four plots of the last minute, ten minutes or hour."""

    NAME = "rates"
    BINDINGS: ClassVar[list[BindingType]] = bindings("rates")
    span = reactive(0, init=False)

    def __init__(self, desk: Desk, look: Look) -> None:
        super().__init__(desk, look)
        self._drawn: object = None

    def body(self) -> Iterable[Widget]:
        """A plot a question."""
        look = self.look
        yield Container(
            Chart(
                "Transactions",
                [Series("a second", "a second", lambda p: p.accent)],
                lambda: [self._rate("all")],
                look,
            ),
            Chart(
                "Duration",
                [
                    Series("mean", "mean", lambda p: p.client),
                    Series("slowest", "max", lambda p: p.muted),
                ],
                self._durations,
                look,
                unit=" ms",
            ),
            Chart(
                "Verdicts",
                [
                    Series("accepted", "2xx", lambda p: p.good),
                    Series("deferred", "4xx", lambda p: p.warning),
                    Series("refused", "5xx", lambda p: p.error),
                ],
                lambda: [self._rate(name) for name in ("accepted", "deferred", "refused")],
                look,
                stacked=True,
            ),
            Chart(
                "Findings",
                [
                    Series("notice", "note", lambda p: p.notice),
                    Series("warning", "warn", lambda p: p.warning),
                    Series("error", "err", lambda p: p.error),
                ],
                lambda: [self._rate(name) for name in ("notice", "warning", "error")],
                look,
                stacked=True,
            ),
            id="plots",
        )

    def _rate(self, name: str) -> Sequence[float]:
        seconds = _SPANS[self.span].seconds
        counts = self.desk.model.rates.series(name, self._last_second(), _POINTS, seconds)
        return [count / seconds for count in counts]

    def _durations(self) -> Sequence[Sequence[float]]:
        rates, now, seconds = self.desk.model.rates, self._last_second(), _SPANS[self.span].seconds
        return rates.mean(now, _POINTS, seconds), rates.slowest(now, _POINTS, seconds)

    def _last_second(self) -> float:
        """The last second that is over: the present one would always look low."""
        return self.desk.clock() - 1

    def sync(self) -> None:
        """Time went by. The plots change once a second, whatever happens meanwhile."""
        super().sync()
        state = (int(self.desk.clock()), self.span)
        if state != self._drawn:
            self._drawn = state
            self._draw()

    def _draw(self) -> None:
        for chart in self.query(Chart):
            chart.draw(_SPANS[self.span].ends)

    def restyle(self) -> None:
        """Another theme."""
        self._draw()

    def watch_span(self) -> None:
        """Another span."""
        self.sync()

    def action_span(self) -> None:
        """A longer span, or the shortest again."""
        self.span = (self.span + 1) % len(_SPANS)
