"""The lists as they stand, applied: the same in the hub and in each process that meets clients."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from monitor.policy.entry import Entry
from monitor.policy.listed import ruling
from monitor.policy.lists import Lists
from monitor.policy.ruling import Ruling, Stage


class Standing:
    """Entries in force, and how often each of them held."""

    def __init__(self) -> None:
        self.entries: tuple[Entry, ...] = ()
        self._lists = Lists()
        self._hits: Counter[int] = Counter()

    def replace(self, entries: Iterable[Entry]) -> None:
        """From now on these are in force."""
        self.entries = tuple(entries)
        self._lists = Lists(self.entries)

    def rule(self, stage: Stage) -> Ruling | None:
        """What the entry that holds at ``stage`` comes to; None leaves it to other policies."""
        entry = self._lists.match(stage) if self.entries else None
        if entry is None:
            return None
        self._hits[entry.id] += 1
        return ruling(entry, stage)

    def count(self, hits: Iterable[tuple[int, int]]) -> None:
        """Add pairs of an entry's id and how often it held elsewhere."""
        for entry, times in hits:
            self._hits[entry] += times

    def take_hits(self) -> list[tuple[int, int]]:
        """The counts since the last call, which begin anew."""
        hits, self._hits = self._hits, Counter()
        return list(hits.items())
