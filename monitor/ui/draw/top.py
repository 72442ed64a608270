"""The first line at the top: the screens, the rate, and how mail fares."""

from __future__ import annotations

from typing import NamedTuple

from rich.style import Style

from monitor.control.protocol import Status
from monitor.ui.cells import width
from monitor.ui.draw.line import Line
from monitor.ui.draw.plot import sparkline
from monitor.ui.look import Look

__all__ = ["TABS", "Tab", "draw_tabs", "tab_at"]

TABS = (
    ("1", "live"),
    ("2", "senders"),
    ("3", "waiting"),
    ("4", "lists"),
    ("5", "rates"),
    ("6", "trial"),
)
_BRAND = " mxtap "


class Tab(NamedTuple):
    """Where a tab stands on its line."""

    name: str
    start: int
    end: int


def _tabs() -> tuple[Tab, ...]:
    tabs = []
    x = width(_BRAND) + 1
    for key, name in TABS:
        end = x + len(key) + len(name) + 2
        tabs.append(Tab(name, x, end))
        x = end
    return tuple(tabs)


_PLACES = _tabs()


def tab_at(x: int) -> str | None:
    """The name of the tab at a cell of the first line."""
    return next((tab.name for tab in _PLACES if tab.start <= x < tab.end), None)


def draw_tabs(active: str, status: Status | None, trend: list[int], cells: int, look: Look) -> Line:
    """The first line: screens to the left, rate and outcomes to the right."""
    line = Line().put(_BRAND, look.palette.accent + Style(bold=True, reverse=True)).gap()
    for key, name in TABS:
        on = name == active
        style = look.palette.strong + Style(underline=True) if on else look.palette.muted
        line.put(key, look.palette.accent).gap().put(name.capitalize(), style).gap()
    right = _rate(status, trend, cells - line.width - 1, look)
    return line.gap(cells - line.width - right.width - 1).join(right)


def _rate(status: Status | None, trend: list[int], room: int, look: Look) -> Line:
    line = Line()
    if status is None:
        return line
    rate = f"{status.rate:,.1f}/s"
    counts = (
        (look.marks.severity["good"], status.accepted, look.palette.good),
        ("~", status.deferred, look.palette.warning),
        (look.marks.severity["error"], status.refused, look.palette.error),
    )
    told = sum(len(_short(count)) + 2 for _, count, _ in counts)
    if room < len(rate) + told:
        return line.put(rate, look.palette.strong) if room > len(rate) else line
    spare = room - len(rate) - told - 1
    if spare >= 8:
        shown = trend[-min(spare, len(trend)) :]
        line.put(sparkline(shown, look.marks.blocks), look.palette.accent).gap()
    line.put(rate, look.palette.strong)
    for mark, count, style in counts:
        line.gap().put(mark + _short(count), style)
    return line


def _short(count: int) -> str:
    for size, unit in ((1_000_000, "M"), (10_000, "k")):
        if count >= size:
            return f"{count / (1_000_000 if unit == 'M' else 1_000):.1f}{unit}"
    return str(count)
