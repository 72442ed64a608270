"""mxtap with one thing broken: ``python sick.py KIND COMMAND…``.

The checks raise, hang or eat memory, or the clock jumps; all else is as it is shipped.
"""

from __future__ import annotations

import asyncio
import random
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from monitor.checks.checker import Checker

CHECKS = ("client", "sender", "recipients", "message")
DAY = 86_400
ROOM = 200 * 1024 * 1024  # bytes of address space beyond what is used at the start


def main() -> None:
    """Break it, then run the command."""
    kind = sys.argv.pop(1)
    if kind == "clock":
        time.time = _jumping(time.time)
    else:
        for name in CHECKS:
            setattr(Checker, name, {"raises": _raises, "hangs": _hangs, "eats": _eats}[kind])
    if kind == "eats":
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + ROOM, used + ROOM))
    from monitor.cli import main as mxtap

    sys.exit(mxtap())


def _jumping(clock: Callable[[], float]) -> Callable[[], float]:
    """A clock that is set anew every fifth of a second, to and fro by up to 40 days."""
    chance, state = random.Random(7), [0.0, 0.0]

    def now() -> float:
        if time.monotonic() > state[0]:
            state[:] = (
                time.monotonic() + 0.2,
                chance.choice((0, 1, -1, 3600, -3600, 40 * DAY, -DAY)),
            )
        return clock() + state[1]

    return now


async def _raises(*_: Any) -> Any:
    raise RuntimeError("broken \r\n250 ok")


async def _hangs(*_: Any) -> Any:
    await asyncio.sleep(3600)


async def _eats(*_: Any) -> Any:
    eaten = []
    while True:
        eaten.append(b"x" * 50_000_000)
        await asyncio.sleep(0)


if __name__ == "__main__":
    main()
