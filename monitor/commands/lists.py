"""``mxtap ban``, ``allow``, ``lists`` and ``unlist``: on a running relay and on a stopped one."""

from __future__ import annotations

import argparse
import asyncio
import re
import sys
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from functools import partial

import msgspec

from monitor.config import ConfigError, Settings
from monitor.control.client import SocketFeed
from monitor.control.feed import FeedError
from monitor.control.offline import StoreFeed, open_feed
from monitor.policy.canonical import canonical
from monitor.policy.entry import ACTIONS, KINDS, Draft, Entry, ListName
from monitor.policy.trail import Change, changes

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
AnyFeed = SocketFeed | StoreFeed


def duration(text: str) -> float:
    """``90s``, ``10m``, ``2h``, ``7d`` or ``4w`` in seconds. Raises ConfigError."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhdw])", text.strip().lower())
    if match is None:
        raise ConfigError(f"{text!r} is not a duration, such as 90s, 10m, 2h, 7d or 4w")
    return float(match[1]) * _UNITS[match[2]]


def configure_ban(parser: argparse.ArgumentParser) -> None:
    """The options of ``mxtap ban``."""
    _configure_add(parser)
    parser.add_argument(
        "--action", choices=ACTIONS, default="reject", help="what the client gets (reject)"
    )


def configure_allow(parser: argparse.ArgumentParser) -> None:
    """The options of ``mxtap allow``."""
    _configure_add(parser)


def _configure_add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("value", help="192.0.2.7, 192.0.2.0/24, a name, a@b, a domain")
    parser.add_argument("--for", dest="lifetime", metavar="TIME", help="such as 2h; for good else")
    parser.add_argument("--reason", default="", help="told to the client and to other operators")


def configure_lists(parser: argparse.ArgumentParser) -> None:
    """The options of ``mxtap lists``."""
    parser.add_argument(
        "--history", action="store_true", help="who added and ended what, the past included"
    )


def configure_unlist(parser: argparse.ArgumentParser) -> None:
    """The options of ``mxtap unlist``."""
    parser.add_argument("id", type=int, help="as `mxtap lists` shows it")


def run_ban(args: argparse.Namespace, settings: Settings) -> int:
    """Add a ban."""
    return _run(args, settings, partial(_add, args, "ban"))


def run_allow(args: argparse.Namespace, settings: Settings) -> int:
    """Add an allowance."""
    return _run(args, settings, partial(_add, args, "allow"))


def run_lists(args: argparse.Namespace, settings: Settings) -> int:
    """Show what is in force, or what ever was."""
    if args.history:
        return _run(args, settings, _trail)
    return _run(args, settings, _lists)


def run_unlist(args: argparse.Namespace, settings: Settings) -> int:
    """End an entry."""
    return _run(args, settings, partial(_end, args.id))


async def _lists(feed: AnyFeed) -> list[Entry]:
    return await feed.lists()


async def _trail(feed: AnyFeed) -> list[Change]:
    return changes(await feed.trail(), datetime.now(UTC))


async def _end(entry_id: int, feed: AnyFeed) -> list[Entry]:
    return [await feed.end(entry_id)]


async def _add(args: argparse.Namespace, name: ListName, feed: AnyFeed) -> list[Entry]:
    draft = Draft(
        list=name,
        kind=args.kind,
        value=args.value,
        action=getattr(args, "action", "reject"),
        reason=args.reason,
        lifetime=duration(args.lifetime) if args.lifetime else None,
    )
    return [await feed.add(draft)]


def _run(
    args: argparse.Namespace,
    settings: Settings,
    work: Callable[[AnyFeed], Awaitable[Sequence[Entry | Change]]],
) -> int:
    if "value" in args:
        try:
            canonical(args.kind, args.value)
        except ValueError as error:
            raise ConfigError(str(error)) from None
    if getattr(args, "lifetime", None):
        duration(args.lifetime)
    try:
        told = asyncio.run(_on_feed(settings, work))
    except FeedError as error:
        print(f"mxtap: {error}", file=sys.stderr)
        return 1
    for each in told:
        print(msgspec.json.encode(each).decode() if args.json else _line(each))
    return 0


async def _on_feed(
    settings: Settings, work: Callable[[AnyFeed], Awaitable[Sequence[Entry | Change]]]
) -> Sequence[Entry | Change]:
    feed = await open_feed(settings.state, settings.database, settings.name)
    try:
        return await work(feed)
    finally:
        await feed.close()


def _line(told: Entry | Change) -> str:
    if isinstance(told, Change):
        by = f"by {told.by}" if told.by else "by itself"
        return f"{told.at:%Y-%m-%d %H:%M:%S} UTC  {told.what} {by}: {_entry_line(told.entry)}"
    return _entry_line(told)


def _entry_line(entry: Entry) -> str:
    until = f"until {entry.expires:%Y-%m-%d %H:%M} UTC" if entry.expires else "for good"
    over = ", ended" if entry.ended else ""
    action = f" ({entry.action})" if entry.list == "ban" else ""
    why = f" - {entry.reason}" if entry.reason else ""
    return (
        f"{entry.id:>5}  {entry.list:<5} {entry.kind:<6} {entry.value}{action}  "
        f"{until}{over}, by {entry.by}, {entry.hits} hits{why}"
    )
