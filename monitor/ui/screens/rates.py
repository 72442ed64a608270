"""How much mail, how it fares, how good it is and how long it takes, over time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar

from textual.binding import BindingType
from textual.containers import Container
from textual.reactive import reactive
from textual.widget import Widget

from monitor.ui.desk import Desk
from monitor.ui.keymap import bindings
from monitor.ui.look import Look
from monitor.ui.screens.base import DeskScreen
from monitor.ui.widgets.plot import Plot

__all__ = ["RatesScreen"]

_SPANS = (1, 5, 30)  # seconds a bar


class RatesScreen(DeskScreen):
    """Plots, a bar for each second, five seconds or half a minute."""

    NAME = "rates"
    BINDINGS: ClassVar[list[BindingType]] = bindings("rates")
    span = reactive(0)

    def __init__(self, desk: Desk, look: Look) -> None:
        super().__init__(desk, look)

    def body(self) -> Iterable[Widget]:
        """A plot a question."""
        count, look = self._count, self.look
        box = Container(
            Plot("Transactions", count("all"), lambda p: p.accent, look),
            Plot("Mean duration", self._latency, lambda p: p.client, look, unit=" ms"),
            Plot("Accepted", count("accepted"), lambda p: p.good, look),
            Plot("With errors", count("error"), lambda p: p.error, look),
            Plot("Deferred", count("deferred"), lambda p: p.warning, look),
            Plot("With warnings", count("warning"), lambda p: p.warning, look),
            Plot("Refused", count("refused"), lambda p: p.error, look),
            Plot("Without a fault", count("good"), lambda p: p.good, look),
            id="plots",
        )
        self._entitle(box)
        yield box

    def _entitle(self, box: Container) -> None:
        seconds = _SPANS[self.span]
        each = "second" if seconds == 1 else f"{seconds} seconds"
        box.border_title = f"A bar each {each}"

    def _count(self, name: str) -> Callable[[int], Sequence[float]]:
        return lambda n: self.desk.model.rates.series(name, self.desk.clock(), n, _SPANS[self.span])

    def _latency(self, buckets: int) -> Sequence[float]:
        return self.desk.model.rates.latency(self.desk.clock(), buckets, _SPANS[self.span])

    def sync(self) -> None:
        """Time went by."""
        super().sync()
        for plot in self.query(Plot):
            plot.sync()

    def action_span(self) -> None:
        """Longer or shorter bars."""
        self.span = (self.span + 1) % len(_SPANS)
        self._entitle(self.query_one("#plots", Container))
        self.sync()
