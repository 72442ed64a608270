"""``mxtap demo``: see it work, with everything that it takes on this machine."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec

from monitor.config import ConfigError, Settings
from monitor.control.client import SocketFeed
from monitor.control.protocol import LateUpdate, RecordUpdate
from monitor.daemon.privileges import contained
from monitor.demo.pace import Pace
from monitor.demo.relay import RelayError
from monitor.demo.stage import Stage
from monitor.demo.troupe import can_bind
from monitor.record import Late, Record
from monitor.text import printable

LOG = "demo.log"  # in the state folder: what the senders' process says on standard error


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    parser.add_argument(
        "--speed",
        type=float,
        default=1.0,
        metavar="X",
        help="a sender's minute takes a second at 1, less above",
    )
    parser.add_argument("--headless", action="store_true", help="print JSON lines, no screen")
    parser.add_argument(
        "--for", type=float, dest="seconds", metavar="SECONDS", help="let them act this long"
    )


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Play until told to stop, or until the time is over."""
    try:
        pace = Pace(args.speed)
    except ValueError as error:
        raise ConfigError(f"--speed: {error}") from None
    with _state(args.state) as state:
        if not can_bind():
            _say("this machine has one loopback address: all senders will seem to be one client")
        if os.geteuid() == 0 and not contained():
            _say("no need to run this as root")
        if not args.headless:
            return _on_screen(args, settings.model_copy(update={"state": state}))
        try:
            asyncio.run(_headless(Stage(state, pace), args.seconds))
        except RelayError as error:
            _say(str(error))
            return 1
    return 0


@contextlib.contextmanager
def _state(given: str | None) -> Iterator[Path]:
    """The state folder: the given one, which is kept, or one for this time only.

    Raises ConfigError where the given one cannot be had.
    """
    if given is not None:
        try:
            Path(given).mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"--state {given}: {error.strerror}; name a folder") from None
        _say(f"state in {given}")
        yield Path(given)
        return
    with tempfile.TemporaryDirectory(prefix="mxtap-demo-") as folder:
        _say(f"state in {folder}, removed at the end; --state DIR keeps it")
        yield Path(folder)


def _on_screen(args: argparse.Namespace, settings: Settings) -> int:
    """The UI here, everything else in a process beside it."""
    from monitor.ui.start import run as show

    log = settings.state / LOG
    words = [str(settings.state), str(args.speed)]
    if args.seconds is not None:
        words.append(str(args.seconds))
    with log.open("wb") as errors:
        company = subprocess.Popen(
            [sys.executable, "-m", "monitor.demo.company", *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,  # Ctrl-C is for the screen
        )
    with company:  # its input is closed at the end, which ends it
        assert company.stdout
        if company.stdout.readline() == b"READY\n":
            return show(SocketFeed(settings.state), settings).code
    _say(printable(log.read_bytes()[-500:].strip()) or "the relay did not start")
    return 1


async def _headless(stage: Stage, seconds: float | None) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with stage:
        feed = SocketFeed(stage.settings.state)
        await feed.start()
        try:
            await stage.play(stop.wait(), _print_all(feed), seconds=seconds)
        finally:
            await feed.close()


async def _print_all(feed: SocketFeed) -> None:
    async for update in feed.updates():
        if isinstance(update, RecordUpdate):
            _print(update.record)
        elif isinstance(update, LateUpdate):
            _print(update.late)


def _print(told: Record | Late) -> None:
    sys.stdout.write(msgspec.json.encode(told).decode() + "\n")
    sys.stdout.flush()


def _say(text: str) -> None:
    print(f"mxtap demo: {text}", file=sys.stderr)
