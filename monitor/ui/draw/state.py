"""The second line at the top: each part of the relay, and whether it is well."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rich.style import Style

from monitor.control.protocol import Link, Status
from monitor.ui.cells import clip, width
from monitor.ui.draw.line import Line
from monitor.ui.look import Look

__all__ = ["draw_state"]

_LOW_DISK = 1 << 30  # bytes
_MODES = {"observe": "observing", "enforce": "enforcing", "off": "greylist off"}


class _Part(NamedTuple):
    """What is told, and the same in less room."""

    full: str
    short: str
    style: Style


def draw_state(
    title: str, replayed: str, status: Status | None, link: Link, cells: int, look: Look
) -> Line:
    """How the relay fares; or what is ``replayed``, or that there is no relay."""
    line, palette, marks = Line().gap(), look.palette, look.marks
    if not link.up:
        why = f": {link.why}" if link.why else ""
        text = f"{marks.down} {title} is gone, reconnecting{why}"
        return line.put(clip(text, cells - 2), palette.error)
    if replayed:
        told = f": a recording; {replayed}"
        name = clip(title, max(8, cells - 4 - width(told)), "middle")
        return line.put(clip(f"{marks.unknown} {name}{told}", cells - 2), palette.notice)
    if status is None:
        return line.put(clip(f"{marks.unknown} connecting to {title}", cells - 2), palette.muted)
    shown = _shortened(_always(status, look), cells - 2)
    shown += [(part.full, part.style) for part in _more(status, look)]
    for index, (text, style) in enumerate(shown):
        between = f" {marks.bar} " if index else ""
        if line.width + width(between + text) > cells - 1:
            break
        line.put(between, palette.muted).put(text, style)
    return line


def _shortened(parts: Sequence[_Part], cells: int) -> list[tuple[str, Style]]:
    """The parts in full, or as many of the last ones shorter as it takes."""
    count = 0
    while count < len(parts):
        texts = [p.full for p in parts[: len(parts) - count]]
        texts += [p.short for p in parts[len(parts) - count :]]
        if width("   ".join(texts)) <= cells:
            break
        count += 1
    first = len(parts) - count
    return [(p.short if i >= first else p.full, p.style) for i, p in enumerate(parts)]


def _always(status: Status, look: Look) -> list[_Part]:
    """What fits into 80 columns, in short."""
    palette, marks = look.palette, look.marks
    up = {True: marks.up, False: marks.down, None: marks.unknown}
    style = {True: palette.good, False: palette.error, None: palette.muted}

    def end(state: bool | None, name: str, where: str, short: str) -> _Part:
        full = f"{up[state]} {name}{clip(where, 30)}"
        return _Part(full, f"{up[state]} {short}", style[state])

    listening = bool(status.listening)
    where = ", ".join(status.listening) or "not listening"
    port = where.rpartition(":")[2]
    free = f"disk {_bytes(status.disk_free)}"
    low = 0 < status.disk_free < _LOW_DISK
    mode = _MODES.get(status.greylist, status.greylist)
    capture = f"capture {clip(status.capture, 12)}"
    return [
        end(listening, "", where, f":{port}" if listening else where),
        end(status.upstream_up, "upstream ", status.upstream, "upstream"),
        end(status.dns_up, "DNS ", status.dns, "DNS"),
        _Part(free, free, palette.error if low else palette.muted),
        _Part(capture, capture, palette.muted),
        _Part(mode, mode, palette.text),
    ]


def _more(status: Status, look: Look) -> list[_Part]:
    """What is told where there is room."""
    told = [f"identity {clip(status.identity, 12)}"] if status.identity else []
    told.append(f"{status.sessions} open")
    return [_Part(text, text, look.palette.muted) for text in told]


def _bytes(size: int) -> str:
    for unit in ("B", "K", "M", "G"):
        if size < 1024:
            return f"{size}{unit}"
        size //= 1024
    return f"{size}T"
