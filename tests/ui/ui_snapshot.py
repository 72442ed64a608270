"""A screen as text that can be kept and compared: its characters, and the styles in a theme.

pytest-textual-snapshot keeps SVG, in which a difference is hard to read and every release of
Rich moves something; here a difference is that of lines of text.
"""

from __future__ import annotations

import asyncio
import difflib
import os
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from string import ascii_letters

from rich.style import Style
from textual.strip import Strip
from ui_screen import Screen

FOLDER = Path(__file__).parent / "snapshots"
RENEW = "MXTAP_RENEW=1 pytest tests/ui/test_ui_snapshots.py writes it anew, if it is meant so"


async def compare(screen: Screen, name: str, themes: tuple[str, ...]) -> str:
    """How the screen differs from the snapshot of this name; empty where it does not."""
    shots = {}
    for theme in sorted(themes, key=lambda theme: theme != screen.app.theme):  # a change is slow
        if theme != screen.app.theme:
            screen.app.theme = theme
        shots[theme] = await _rested(screen)
    text = shots[themes[0]][0]
    for theme, (other, _) in shots.items():
        if other != text:
            there = difflib.unified_diff(text.splitlines(), other.splitlines(), themes[0], theme)
            return "\n".join(there)
    styles = (line for theme in themes for line in (f"-- {theme}", *shots[theme][1]))
    shown = "\n".join([text, *styles]) + "\n"
    width, height = screen.app.size
    path = FOLDER / f"{name}-{width}x{height}.txt"
    if os.environ.get("MXTAP_RENEW"):
        path.write_text(shown, "utf-8")
    before = path.read_text("utf-8") if path.exists() else ""
    return "".join(difflib.unified_diff(
        before.splitlines(True), shown.splitlines(True), str(path), "the screen now", n=1
    ))  # fmt: skip


async def _rested(screen: Screen) -> tuple[str, list[str]]:
    """Text and styles, once nothing changes any more, and nothing pops up."""
    before = None
    while (shot := await _shot(screen)) != before or _busy(screen):
        before = shot
        await asyncio.sleep(0.002)  # timers of a millisecond may have their turn
    return shot


async def _shot(screen: Screen) -> tuple[str, list[str]]:
    screen.app.clear_notifications()
    await screen.settle()
    strips = screen.app.screen._compositor.render_strips()[:-1]  # the footer is Textual's
    text = "\n".join(strip.text.rstrip() for strip in strips)
    return text, list(_styles(strips))


def _busy(screen: Screen) -> bool:
    return any(w.is_running and w.name != "_live" for w in screen.app.workers)


def _styles(strips: list[Strip]) -> Iterator[str]:
    """The runs of cells of each line by letter, and what the letters stand for."""
    letters: dict[str, str] = {}
    for strip in strips:
        cells = (style for style, count in _cells(strip) for _ in range(count))
        runs = [
            letters.setdefault(style, ascii_letters[len(letters)]) + str(len(list(run)))
            for style, run in groupby(cells)
        ]
        yield " ".join(runs)
    for style, letter in letters.items():
        yield f"{letter} {style}"


def _cells(strip: Strip) -> Iterator[tuple[str, int]]:
    for segment in strip:
        style = segment.style or Style.null()
        yield (
            str(style.without_color + Style(color=style.color, bgcolor=style.bgcolor)),
            (segment.cell_length),
        )
