"""``mxtap attach``: the UI on a relay that runs already."""

from __future__ import annotations

import argparse
import asyncio
import sys

from monitor.config import Settings
from monitor.control.client import SocketFeed
from monitor.control.feed import FeedError


def configure(parser: argparse.ArgumentParser) -> None:
    """``mxtap attach`` has the common options only."""


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Show the UI; the relay is not touched when it ends."""
    try:
        asyncio.run(_meet(settings))
    except FeedError as error:
        print(f"mxtap: {error}", file=sys.stderr)
        return 1
    from monitor.ui.start import run as show

    return show(SocketFeed(settings.state), settings).code


async def _meet(settings: Settings) -> None:
    feed = SocketFeed(settings.state)
    try:
        await feed.start()
    finally:
        await feed.close()
