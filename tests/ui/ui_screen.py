"""The app under a pilot, and what stands on its screen."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from rich.console import Console
from textual.pilot import Pilot
from ui_fakes import FakeFeed

from monitor.config import Settings
from monitor.control.protocol import Update
from monitor.record import Record
from monitor.ui import marks
from monitor.ui.app import DEFAULT_THEME, MxtapApp

SIZES = ((80, 24), (160, 48))


class Screen(NamedTuple):
    """One running app."""

    app: MxtapApp
    pilot: Pilot[Any]
    feed: FakeFeed

    @property
    def text(self) -> str:
        """The screen as plain text, a line a row."""
        width, height = self.app.size
        out = io.StringIO()
        console = Console(file=out, width=width, height=height, color_system=None)
        console.print(self.app.screen._compositor.render_update(full=True))
        return out.getvalue()

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    def line(self, containing: str) -> str:
        """The first line with this text in it."""
        return next(line for line in self.lines if containing in line)

    @property
    def at_cursor(self) -> str:
        """The line that the cursor is on."""
        return next(line for line in self.lines if line.startswith(marks.UNICODE.cursor))

    async def settle(self) -> None:
        """Let everything come to rest, without waiting for any clock."""
        for _ in range(4):
            await self.pilot.pause()
            for worker in list(self.app.workers):
                if worker.group in ("waiting", "study") and not worker.is_finished:
                    await worker.wait()
            self.app.tick()
        await self.pilot.pause()

    async def until(self, text: str) -> None:
        """Wait for ``text``: what a thread reads comes when it comes."""
        for _ in range(200):
            await self.settle()
            if text in self.text:
                return
            await asyncio.sleep(0.01)
        assert text in self.text

    async def press(self, *keys: str) -> None:
        """Press keys one after the other, as fast as the app takes them."""
        for key in keys:
            await self.pilot.press(key)
            await self.settle()

    async def paste(self, *keys: str) -> None:
        """Press keys in one go, as they come over a slow line."""
        await self.pilot.press(*keys)
        await self.settle()

    async def push(self, *updates: Update | Record) -> None:
        self.feed.push(*updates)
        await self.settle()


@asynccontextmanager
async def running(
    feed: FakeFeed, size: tuple[int, int] = (80, 24), **options: Any
) -> AsyncIterator[Screen]:
    app = MxtapApp(feed, Settings(name="mx.home.example"), **options)
    app.look.marks = marks.UNICODE
    async with app.run_test(size=size, notifications=True) as pilot:
        app.theme = DEFAULT_THEME
        screen = Screen(app, pilot, feed)
        await screen.settle()
        yield screen
