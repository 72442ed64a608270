"""A picture of the screen, made by the app itself."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path

from monitor.config import Settings
from monitor.control.feed import Feed
from monitor.ui.app import DEFAULT_THEME, MxtapApp

__all__ = ["screenshot"]


async def screenshot(
    feed: Feed,
    settings: Settings,
    path: Path,
    *,
    size: tuple[int, int] = (120, 36),
    keys: Iterable[str] = (),
    seconds: float = 0,
    theme: str = DEFAULT_THEME,
) -> None:
    """Save the screen as SVG, ``seconds`` after it began and ``keys`` were pressed."""
    app = MxtapApp(feed, settings)
    async with app.run_test(size=size) as pilot:
        app.theme = theme
        await asyncio.sleep(seconds)
        await pilot.press(*keys)
        await pilot.pause()
        app.save_screenshot(path.name, str(path.parent))
