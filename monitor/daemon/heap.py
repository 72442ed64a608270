"""Memory that is free goes back to the system.

glibc cuts off the end of its heap only: what a peak took stays with the process for as long as one
small block lives behind it, and each peak may leave another such hole.
"""

from __future__ import annotations

import asyncio
import ctypes

EVERY = 60.0  # seconds; it takes some 2 ms for what a minute leaves, 20 ms for 300 MB

_TRIM = getattr(ctypes.CDLL(None), "malloc_trim", None)  # other C libraries have none


def give_back() -> None:
    """Return whole free pages, wherever in a heap they are."""
    if _TRIM is not None:
        _TRIM(0)


async def keep_small() -> None:
    """Do so from time to time, beside the loop, until cancelled."""
    while True:
        await asyncio.sleep(EVERY)
        await asyncio.to_thread(give_back)
