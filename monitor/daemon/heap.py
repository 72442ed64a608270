"""What is not used goes: garbage to the heap, and free memory back to the system.

glibc cuts off the end of its heap only: what a peak took stays with the process for as long as one
small block lives behind it, and each peak may leave another such hole.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc

EVERY = 10.0  # seconds; it takes some 2 ms, and 20 ms after a peak of 300 MB

_TRIM = getattr(ctypes.CDLL(None), "malloc_trim", None)  # other C libraries have none


def settle() -> None:
    """What start-up made lives as long as the process: the collector shall not look at it again.

    Collected once more, it forgets how much that was: it would else let garbage grow to a quarter.
    """
    gc.collect()
    gc.freeze()
    gc.collect()


def give_back() -> None:
    """Return whole free pages, wherever in a heap they are."""
    if _TRIM is not None:
        _TRIM(0)


async def keep_small() -> None:
    """Do so from time to time, beside the loop, until cancelled."""
    while True:
        await asyncio.sleep(EVERY)
        await asyncio.to_thread(give_back)
