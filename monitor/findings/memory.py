"""What findings remember from one session to the next, behind one small interface.

The values are opaque bytes, so that a store can keep them without knowing what they mean.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Protocol


class Memory(Protocol):
    """Values by kind and key. Neither call raises; a store behind it writes when it can."""

    def get(self, kind: str, key: str) -> bytes | None:
        """The value, or None where there is none."""
        ...

    def put(self, kind: str, key: str, value: bytes, expires: float) -> None:
        """Keep a value until ``expires`` (epoch seconds), in place of an older one."""
        ...

    def drop(self, kind: str, key: str) -> None:
        """Forget a value; no fault where there is none."""
        ...

    def load(self, kind: str) -> Iterable[tuple[str, bytes]]:
        """Every key and value of a kind, oldest first."""
        ...


class Bounded:
    """A memory in the process: at most ``limit`` values a kind, the longest unwritten go first."""

    def __init__(self, limit: int = 100_000) -> None:
        self._limit = limit
        self._kinds: dict[str, OrderedDict[str, bytes]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._kinds.values()))

    def get(self, kind: str, key: str) -> bytes | None:
        """See :class:`Memory`."""
        values = self._kinds.get(kind)
        return values.get(key) if values else None

    def put(self, kind: str, key: str, value: bytes, expires: float) -> None:
        """See :class:`Memory`. The bound forgets here, not the clock."""
        values = self._kinds.setdefault(kind, OrderedDict())
        values[key] = value
        values.move_to_end(key)
        if len(values) > self._limit:
            values.popitem(last=False)

    def drop(self, kind: str, key: str) -> None:
        """See :class:`Memory`."""
        self._kinds.get(kind, OrderedDict()).pop(key, None)

    def load(self, kind: str) -> Iterable[tuple[str, bytes]]:
        """See :class:`Memory`."""
        return tuple(self._kinds.get(kind, OrderedDict()).items())
