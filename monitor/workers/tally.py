"""Counts in memory that all processes of a relay share, so that limits hold for all of it.

Each worker writes a row of its own and reads them all: nobody waits for anybody, and the row
of a worker that died is cleared. An address is counted in two of its row's cells, found by a
keyed hash; its count is the smaller one, so it is never too low, and too high only where both
cells meet others' by chance (Cormode and Muthukrishnan's count-min sketch).
"""

from __future__ import annotations

import hashlib
import mmap
import os
from functools import lru_cache

from monitor.relay.tally import SESSIONS, SPOOL

KEY = 16  # bytes
CELLS = 8_192  # a row, beside the first ones
REMEMBERED = 1_024  # addresses and networks whose cells are at hand
_FIXED = {SESSIONS: (0,), SPOOL: (1,)}
_ROW = len(_FIXED) + CELLS
_WIDTH = 8  # bytes


def make(rows: int) -> int:
    """New memory for ``rows`` workers: a descriptor, the caller's to close."""
    memory = os.memfd_create("tally")
    os.ftruncate(memory, KEY + rows * _ROW * _WIDTH)
    os.pwrite(memory, os.urandom(KEY), 0)
    return memory


class SharedTally:
    """The counts of all rows; what is added goes to ``row``, from 0."""

    def __init__(self, memory: int, row: int = 0) -> None:
        self._map = mmap.mmap(memory, 0)
        self._key = self._map[:KEY]
        self._cells = memoryview(self._map)[KEY:].cast("q")
        self._start = row * _ROW
        self._places = lru_cache(REMEMBERED)(self._find_places)  # a session asks six times

    def add(self, key: str, by: int = 1) -> None:
        """See :class:`monitor.relay.tally.Tally`."""
        for place in self._places(key):
            self._cells[self._start + place] += by

    def count(self, key: str) -> int:
        """See :class:`monitor.relay.tally.Tally`."""
        return min(sum(self._cells[at::_ROW]) for at in self._places(key))

    def of_row(self, row: int, key: str) -> int:
        """The count of one worker."""
        return min(self._cells[row * _ROW + at] for at in self._places(key))

    def clear(self, row: int) -> None:
        """Forget what a worker counted that is no more."""
        start = row * _ROW
        self._cells[start : start + _ROW] = memoryview(bytes(_ROW * _WIDTH)).cast("q")

    def close(self) -> None:
        """Let go of the memory."""
        self._cells.release()
        self._map.close()

    def _find_places(self, key: str) -> tuple[int, ...]:
        if fixed := _FIXED.get(key):
            return fixed
        digest = hashlib.blake2b(key.encode(), digest_size=8, key=self._key).digest()
        first = int.from_bytes(digest[:4], "little") % CELLS
        second = int.from_bytes(digest[4:], "little") % CELLS
        return tuple({len(_FIXED) + first, len(_FIXED) + second})
