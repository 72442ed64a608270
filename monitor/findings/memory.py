"""What findings remember from one session to the next, behind one small interface.

The values are opaque bytes, so that a store can keep them without knowing what they mean.
"""

from __future__ import annotations

import heapq
import itertools
from collections import OrderedDict
from typing import Protocol


class Memory(Protocol):
    """Values by kind and key. Neither call raises; a store behind it writes when it can."""

    def get(self, kind: str, key: str) -> bytes | None:
        """The value, or None where there is none."""
        ...

    def put(
        self, kind: str, key: str, value: bytes, expires: float, due: float | None = None
    ) -> None:
        """Keep a value until ``expires``, in place of an older one; to be looked at when ``due``.

        Both are epoch seconds.
        """
        ...

    def drop(self, kind: str, key: str) -> None:
        """Forget a value; no fault where there is none."""
        ...

    def due(self, kind: str, now: float, limit: int) -> list[tuple[str, bytes]]:
        """Keys and values that became due by ``now``, the longest due first."""
        ...

    def newest(self, kind: str, limit: int) -> list[tuple[str, bytes]]:
        """Keys and values of a kind, the newest first, as far as that is known."""
        ...


class Bounded:
    """A memory in the process: at most ``limit`` values a kind, the longest unwritten go first."""

    def __init__(self, limit: int = 100_000) -> None:
        self._limit = limit
        self._kinds: dict[str, OrderedDict[str, bytes]] = {}
        self._due: dict[tuple[str, str], float] = {}
        self._queues: dict[str, list[tuple[float, str]]] = {}  # heaps; entries may be outdated

    def __len__(self) -> int:
        return sum(map(len, self._kinds.values()))

    def get(self, kind: str, key: str) -> bytes | None:
        """See :class:`Memory`."""
        values = self._kinds.get(kind)
        return values.get(key) if values else None

    def put(
        self, kind: str, key: str, value: bytes, expires: float, due: float | None = None
    ) -> None:
        """See :class:`Memory`. The bound forgets here, not the clock."""
        values = self._kinds.setdefault(kind, OrderedDict())
        values[key] = value
        values.move_to_end(key)
        self._due.pop((kind, key), None)
        if due is not None:
            self._due[kind, key] = due
            heapq.heappush(self._queues.setdefault(kind, []), (due, key))
        if len(values) > self._limit:
            self._due.pop((kind, values.popitem(last=False)[0]), None)

    def drop(self, kind: str, key: str) -> None:
        """See :class:`Memory`."""
        self._kinds.get(kind, OrderedDict()).pop(key, None)
        self._due.pop((kind, key), None)

    def due(self, kind: str, now: float, limit: int) -> list[tuple[str, bytes]]:
        """See :class:`Memory`."""
        queue = self._queues.get(kind, [])
        found: dict[tuple[float, str], None] = {}  # a key may be queued twice for one time
        while queue and queue[0][0] <= now and len(found) < limit:
            at, key = heapq.heappop(queue)
            if self._due.get((kind, key)) == at:
                found[at, key] = None
        for entry in found:  # due until somebody writes it again
            heapq.heappush(queue, entry)
        return [(key, self._kinds[kind][key]) for _, key in found]

    def newest(self, kind: str, limit: int) -> list[tuple[str, bytes]]:
        """See :class:`Memory`."""
        values = self._kinds.get(kind, OrderedDict())
        return list(itertools.islice(reversed(values.items()), limit))
