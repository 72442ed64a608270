"""What a peak of memory leaves behind goes back to the system."""

from __future__ import annotations

import os
import platform
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
