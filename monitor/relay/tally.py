"""Counts by which a relay limits its clients: sessions, by address and network, and the spool."""

from __future__ import annotations

from collections import Counter
from typing import Protocol

SESSIONS = "sessions"
SPOOL = "spool"  # bytes of messages in hand


class Tally(Protocol):
    """What is counted under :data:`SESSIONS`, :data:`SPOOL`, an address or a network.

    The whole relay counts together, in however many processes it runs.
    """

    def add(self, key: str, by: int = 1) -> None:
        """Count ``by`` more, or fewer where it is negative."""
        ...

    def count(self, key: str) -> int:
        """How many there are now."""
        ...


class OwnTally:
    """The counts of a relay of one process."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def add(self, key: str, by: int = 1) -> None:
        """See :class:`Tally`."""
        self.counts[key] += by
        if not self.counts[key]:
            del self.counts[key]

    def count(self, key: str) -> int:
        """See :class:`Tally`."""
        return self.counts[key]
