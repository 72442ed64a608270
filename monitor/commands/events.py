"""``mxtap events``: the event contract as JSON lines, from a running relay or a stopped one."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time

import msgspec

from monitor.commands.when import moment_of
from monitor.config import ConfigError, Settings
from monitor.control.client import SocketFeed
from monitor.control.feed import FeedError
from monitor.control.offline import StoreFeed, open_feed
from monitor.control.protocol import LateUpdate, RecordUpdate
from monitor.filter import Filter, FilterError, parse
from monitor.record import Late, Record

PAGE = 2_000  # records asked for at a time

_encode = msgspec.json.Encoder().encode


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    parser.add_argument("--follow", "-f", action="store_true", help="go on as mail comes in")
    parser.add_argument("--since", metavar="T", help="RFC 3339, or an age: 10m, 2h, 7d")
    parser.add_argument("--filter", default="", metavar="EXPR", help="such as 'sev>=warning'")


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Print events, oldest first."""
    since = moment_of(args.since, time.time()) if args.since else None
    try:
        wanted = parse(args.filter) if args.filter.strip() else None
    except FilterError as error:
        raise ConfigError(f"--filter: {error}") from None
    try:
        asyncio.run(_events(settings, args.follow, since, args.filter, wanted))
    except FeedError as error:
        print(f"mxtap: {error}", file=sys.stderr)
        return 1
    return 0


async def _events(
    settings: Settings, follow: bool, since: float | None, query: str, wanted: Filter | None
) -> None:
    feed = await open_feed(settings.state, settings.database, settings.name)
    try:
        if follow and isinstance(feed, StoreFeed):
            raise FeedError(f"no relay runs on {settings.state}: there is nothing to follow")
        if not follow or since is not None:
            await _past(feed, since, query)
        if follow and isinstance(feed, SocketFeed):
            await _follow(feed, wanted)
    finally:
        await feed.close()


async def _past(feed: SocketFeed | StoreFeed, since: float | None, query: str) -> None:
    pages: list[list[Record]] = []
    before: float | None = None
    while True:
        page = await feed.history(limit=PAGE, before=before, since=since, query=query)
        pages.append(page)
        if len(page) < PAGE:
            break
        before = page[-1].ended.timestamp()
    for page in reversed(pages):
        for record in reversed(page):
            _print(record)


async def _follow(feed: SocketFeed, wanted: Filter | None) -> None:
    async for update in feed.updates():
        if isinstance(update, RecordUpdate):
            if wanted is None or wanted.matches(update.record, time.time()):
                _print(update.record)
        elif isinstance(update, LateUpdate) and wanted is None:
            _print(update.late)


def _print(told: Record | Late) -> None:
    sys.stdout.write(_encode(told).decode() + "\n")
    sys.stdout.flush()
