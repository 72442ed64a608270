"""The whole demo but the screen, as a process beside it that ends with it.

``python -m monitor.demo.company STATE SPEED [SECONDS]`` says READY when the relay listens.
After so many seconds the senders rest; the relay goes on, so that one may look around.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from monitor.demo.pace import Pace
from monitor.demo.parent import parent
from monitor.demo.relay import RelayError
from monitor.demo.stage import Stage


async def _perform(state: Path, speed: float, seconds: float | None) -> None:
    reader = await parent()
    async with Stage(state, Pace(speed)) as stage:
        print("READY", flush=True)
        await stage.play(reader.read(), seconds=seconds)
        await reader.read()


if __name__ == "__main__":
    folder, rate, *limit = sys.argv[1:]
    try:
        asyncio.run(_perform(Path(folder), float(rate), float(limit[0]) if limit else None))
    except RelayError as error:
        sys.exit(str(error))
