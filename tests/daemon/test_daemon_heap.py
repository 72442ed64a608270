"""What a peak of memory leaves behind goes back to the system."""

from __future__ import annotations

import gc
import os
import platform
import weakref
from pathlib import Path

import pytest

from monitor.daemon import heap

MB = 1024 * 1024


def resident() -> int:
    """Bytes of memory of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE")


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc keeps holes, and says so")
def test_holes_between_what_lives_go_back() -> None:
    blocks = [bytes(4_000) for _ in range(10_000)]
    kept = blocks[::100]  # so that no end of the heap is free
    peak = resident()
    del blocks
    heap.give_back()
    assert resident() < peak - 20 * MB
    assert len(kept) == 100


class Knot:
    """Something that only the collector frees."""

    def __init__(self) -> None:
        self.itself = self


def test_old_garbage_does_not_wait_for_what_start_up_made() -> None:
    """The collector lets garbage grow to a quarter of what it found alive the last time."""
    before = gc.get_threshold()
    try:
        heap.settle()
        gc.set_threshold(10, 2, 2)
        knot = Knot()
        old = weakref.ref(knot)
        gc.collect(1)  # now it is of the oldest generation
        del knot
        young: list[list[object]] = [[] for _ in range(1_000)]
        assert old() is None
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
    assert len(young) == 1_000
