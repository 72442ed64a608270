"""``mxtap replay``: the UI on captured sessions, or their records as JSON lines."""

from __future__ import annotations

import argparse
import asyncio
import math
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import msgspec

from monitor import events as ev
from monitor.assembler import Assembler
from monitor.capture.feed import CaptureFeed
from monitor.capture.format import CaptureError
from monitor.capture.place import place
from monitor.capture.recheck import Recheck
from monitor.capture.reel import Reel, of_captures
from monitor.capture.rules import restored
from monitor.capture.sources import disciplines, open_reel, spooled
from monitor.config import ConfigError, Settings
from monitor.filter import Filter, FilterError, parse
from monitor.record import Record
from monitor.study.replayed import Replayed

TOLD = 20  # differences that are told one by one

_encode = msgspec.json.Encoder().encode


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    parser.add_argument(
        "files",
        nargs="*",
        type=Path,
        metavar="FILE",
        help="captures, folders of them, pcap or pcapng files; else the state's own captures",
    )
    parser.add_argument(
        "--speed", type=_speed, default=1.0, metavar="X", help="0.25 to 1000, or max"
    )
    parser.add_argument("--from", dest="start", metavar="T", help="RFC 3339, +90s or 50%%")
    parser.add_argument(
        "--recheck", action="store_true", help="make the findings anew, and tell what differs"
    )
    parser.add_argument("--headless", action="store_true", help="print records as JSON lines")
    parser.add_argument("--filter", default="", metavar="EXPR", help="with --headless")


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Replay; 1 when nothing can be read."""
    try:
        wanted = parse(args.filter)
    except FilterError as error:
        raise ConfigError(f"--filter: {error}") from None
    try:
        reel = open_reel(args.files or [settings.state / "captures"], settings)
        if args.recheck:
            reel = _rechecked(reel, _rules(reel, settings, args))
    except CaptureError as error:
        print(f"mxtap: {error}", file=sys.stderr)
        return 1
    try:
        start = place(args.start, reel) if args.start else reel.start
    except ValueError as error:
        raise ConfigError(f"--from: {error}") from None
    if not args.headless:
        return _show(reel, start, args.speed, settings)
    try:
        _print(reel, start, wanted)
    finally:
        for problem in reel.problems:
            print(f"mxtap: {problem}", file=sys.stderr)
        reel.close()
    return 0


def _speed(text: str) -> float:
    if text == "max":
        return math.inf
    speed = float(text)
    if not 0.25 <= speed <= 1_000:
        raise argparse.ArgumentTypeError("0.25 to 1000, or max")
    return speed


def _print(reel: Reel, start: float, wanted: Filter) -> None:
    assembler = Assembler()
    everything = not wanted.text.strip()
    for event in reel.events(reel.lead_in(reel.find(start))):
        for output in assembler.feed(event)[1]:
            if event.at < start:
                continue
            if isinstance(output, Record):
                if not wanted.matches(output, reel.end):
                    continue
            elif not everything:
                continue
            sys.stdout.write(_encode(output).decode() + "\n")
    sys.stdout.flush()


def _show(reel: Reel, start: float, speed: float, settings: Settings) -> int:
    from monitor.ui.start import run as show

    feed = CaptureFeed(reel, speed=speed, study=Replayed(settings))
    feed.playback.seek(start)
    feed.playback.play()
    return show(feed, settings).code


def _rules(reel: Reel, settings: Settings, args: argparse.Namespace) -> Settings:
    """The settings of then, unless somebody names some for now."""
    if getattr(args, "config", None) or getattr(args, "set", None):
        return settings
    try:
        return restored(settings, reel.rules)
    except ValueError as error:
        reel.notes.append(str(error))
        return settings


def _rechecked(reel: Reel, settings: Settings) -> Reel:
    """The same with findings made anew, and notes of what differs. Closes ``reel``."""
    recheck = Recheck(settings, disciplines(settings))
    try:
        anew = of_captures(reel.title, [spooled(_anew(reel, recheck))])
        anew.notes = reel.problems + list(_told(recheck))
    finally:
        reel.close()
    return anew


def _anew(reel: Reel, recheck: Recheck) -> Iterator[ev.AnyEvent]:
    with asyncio.Runner() as runner:
        for number in range(len(reel)):
            yield from runner.run(recheck.take(reel[number].load()))


def _told(recheck: Recheck) -> Iterator[str]:
    differences = list(recheck.comparison.differences())
    same = recheck.comparison.agreed
    yield f"rechecked: {same} findings are as they were, {len(differences)} subjects differ"
    for difference in islice(differences, TOLD):
        yield f"rechecked: {difference}"
    if len(differences) > TOLD:
        yield f"rechecked: and {len(differences) - TOLD} more"
