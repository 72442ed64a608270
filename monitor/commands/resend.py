"""``mxtap resend``: a captured session's client side against a test server."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

from monitor import events as ev
from monitor.capture.format import CaptureError
from monitor.capture.reader import Capture
from monitor.capture.resend import Compared, loopback_only, resend
from monitor.capture.script import script
from monitor.config import ConfigError, Settings, split_address
from monitor.text import clip

EXCERPT = 60


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    parser.add_argument("file", type=Path, metavar="FILE", help="a capture")
    parser.add_argument("--to", required=True, metavar="HOST:PORT", help="the server to test")
    parser.add_argument("--session", metavar="ID", help="which session; else the first with mail")
    parser.add_argument("--fast", action="store_true", help="without the pauses of then")
    parser.add_argument("--timeout", type=float, default=30.0, metavar="S", help="for one reply")
    parser.add_argument(
        "--yes-really", action="store_true", help="send to a server that is not this machine"
    )


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Play it; 0 when every reply was as then, 1 when not."""
    try:
        host, port = split_address(args.to)
    except ValueError as error:
        raise ConfigError(f"--to: {error}") from None
    try:
        compared = asyncio.run(_resend(args, host, port))
    except CaptureError as error:
        print(f"mxtap: {error}", file=sys.stderr)
        return 1
    for each in compared:
        print(msgspec.json.encode(each).decode() if args.json else _line(each))
    different = sum(not each.same for each in compared)
    if not args.json:
        print(f"{len(compared)} replies, {different} different" if different else "all as then")
    return 1 if different else 0


async def _resend(args: argparse.Namespace, host: str, port: int) -> list[Compared]:
    address, harmless = await loopback_only(host, port)
    if not harmless and not args.yes_really:
        raise ConfigError(
            f"{host} is not this machine; --yes-really sends captured mail there, to the"
            " recipients of then"
        )
    with Capture(args.file) as capture:
        events = _session(capture, args.session)
        for problem in capture.problems:
            _tell(problem)
    return await resend(
        script(events),
        address,
        port,
        fast=args.fast,
        plaintext=harmless,
        timeout=args.timeout,
        tell=_tell,
    )


def _session(capture: Capture, wanted: str | None) -> list[ev.AnyEvent]:
    """The events of the session that is wanted, or of the first that has mail."""
    if wanted is None:
        wanted = next((e.session for e in _events(capture) if isinstance(e, ev.Mail)), None)
    if wanted is None:
        raise CaptureError(f"{capture.path} has no mail; name a session with --session")
    events: list[ev.AnyEvent] = []
    for number in range(len(capture.frames)):
        events += capture.read(number, wanted)
        if events and isinstance(events[-1], ev.Closed):
            break
    if not events:
        raise CaptureError(f"{capture.path} has no session {wanted}")
    return events


def _events(capture: Capture) -> Iterator[ev.AnyEvent]:
    for number in range(len(capture.frames)):
        yield from capture.read(number)


def _line(each: Compared) -> str:
    mark = "=" if each.same else "≠"
    now = f"{each.now} {each.now_text}" if each.now else "no reply"
    then = f"{each.then} {each.then_text}"
    told = now if each.same else f"{clip(now, EXCERPT)}   (then: {clip(then, EXCERPT)})"
    return f"{mark} {clip(each.after, EXCERPT)}: {clip(told, 2 * EXCERPT + 20)}"


def _tell(text: str) -> None:
    print(f"mxtap: {text}", file=sys.stderr)
