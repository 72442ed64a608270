"""Time in the demo: habits are told in minutes, and a minute is short."""

from __future__ import annotations

import asyncio
from random import Random


class Pace:
    """A minute of a sender's life takes one second at speed 1, less at a higher speed.

    ``random`` is seeded, so that two demos show the same senders in the same order.
    """

    def __init__(self, speed: float = 1.0, seed: int = 2505) -> None:
        if not speed > 0:
            raise ValueError("speed must be above 0")
        self.minute = 1.0 / speed
        self.random = Random(seed)

    async def wait(self, minutes: float, jitter: float = 0.2) -> None:
        """Sleep about this many minutes, give or take the fraction ``jitter``."""
        spread = self.random.uniform(1 - jitter, 1 + jitter)
        await asyncio.sleep(minutes * self.minute * spread)
