"""The lines at the top: the screens, the rate, and how the relay fares."""

from __future__ import annotations

from typing import NamedTuple

from rich.style import Style

from monitor.control.protocol import Link, Status
from monitor.ui.cells import clip, width
from monitor.ui.draw.line import Line
from monitor.ui.draw.plot import sparkline
from monitor.ui.look import Look

__all__ = ["TABS", "Tab", "draw_state", "draw_tabs", "tab_at"]

TABS = (
    ("1", "live"),
    ("2", "senders"),
    ("3", "waiting"),
    ("4", "lists"),
    ("5", "rates"),
    ("6", "trial"),
)
_BRAND = " mxtap "
_LOW_DISK = 1 << 30  # bytes


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


def draw_state(
    title: str, replayed: str, status: Status | None, link: Link, cells: int, look: Look
) -> Line:
    """The second line: each part of the relay, and whether it is well; or what is ``replayed``."""
    line = Line().gap()
    if not link.up:
        why = f": {link.why}" if link.why else ""
        text = f"{look.marks.down} {title} is gone, reconnecting{why}"
        return line.put(clip(text, cells - 2), look.palette.error)
    if replayed:
        told = f": a recording; {replayed}"
        name = clip(title, max(8, cells - 4 - width(told)), "middle")
        text = f"{look.marks.unknown} {name}{told}"
        return line.put(clip(text, cells - 2), look.palette.notice)
    if status is None:
        text = f"{look.marks.unknown} connecting to {title}"
        return line.put(clip(text, cells - 2), look.palette.muted)
    for index, (text, style) in enumerate(_parts(status, look)):
        between = f" {look.marks.bar} " if index else ""
        if line.width + len(between) + width(text) > cells - 1:
            break
        line.put(between, look.palette.muted).put(text, style)
    return line


def _parts(status: Status, look: Look) -> list[tuple[str, Style]]:
    up = {True: look.marks.up, False: look.marks.down, None: look.marks.unknown}
    state = {True: look.palette.good, False: look.palette.error, None: look.palette.muted}
    listening = bool(status.listening)
    where = ", ".join(status.listening) or "not listening"
    mode = {"observe": "observing", "enforce": "enforcing", "off": "greylist off"}
    parts = [
        (f"{up[listening]} {clip(where, 30)}", state[listening]),
        (
            f"{up[status.upstream_up]} upstream {clip(status.upstream, 24)}",
            state[status.upstream_up],
        ),
    ]
    if status.problems:
        many = f"{len(status.problems)} problem{'s' * (len(status.problems) > 1)}"
        parts.append((f"{look.marks.severity['warning']} {many}", look.palette.warning))
    parts.append((mode.get(status.greylist, status.greylist), look.palette.text))
    if status.disk_free:
        low = status.disk_free < _LOW_DISK
        free = f"disk {_bytes(status.disk_free)}"
        parts.append((free, look.palette.error if low else look.palette.muted))
    parts.append((f"capture {clip(status.capture, 12)}", look.palette.muted))
    if status.dns:
        parts.append((f"DNS {clip(status.dns, 24)}", look.palette.muted))
    if status.identity:
        parts.append((f"identity {clip(status.identity, 12)}", look.palette.muted))
    parts.append((f"{status.sessions} open", look.palette.muted))
    return parts


def _short(count: int) -> str:
    for size, unit in ((1_000_000, "M"), (10_000, "k")):
        if count >= size:
            return f"{count / (1_000_000 if unit == 'M' else 1_000):.1f}{unit}"
    return str(count)


def _bytes(size: int) -> str:
    for unit in ("B", "K", "M", "G"):
        if size < 1024:
            return f"{size}{unit}"
        size //= 1024
    return f"{size}T"
