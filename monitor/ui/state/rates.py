"""Counts by the second, for sparklines and plots."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from monitor.record import Record, worst

__all__ = ["KEPT", "Rates", "outcome"]

KEPT = 3_600  # seconds


def outcome(code: int) -> str:
    """What a reply code means for the mail (RFC 5321 4.2.1)."""
    return {2: "accepted", 4: "deferred", 5: "refused"}.get(code // 100, "other")


class Rates:
    """How many transactions ended in each second, by outcome and by worst finding."""

    def __init__(self) -> None:
        self._seconds: dict[int, Counter[str]] = {}

    def add(self, record: Record) -> None:
        """Count one ended transaction."""
        second = int(record.ended.timestamp())
        counts = self._seconds.get(second)
        if counts is None:
            counts = self._seconds[second] = Counter()
            if len(self._seconds) > KEPT:
                del self._seconds[min(self._seconds)]
        counts["all"] += 1
        counts[outcome(record.verdict.code)] += 1
        if severity := worst(record.findings):
            counts[severity] += 1
        spent = round((record.ended - record.started).total_seconds() * 1000)
        counts["milliseconds"] += spent
        counts["slowest"] = max(counts["slowest"], spent)

    def series(self, name: str, now: float, buckets: int, seconds: int = 1) -> list[int]:
        """``buckets`` counts of ``seconds`` each, the last one ends with the second of ``now``."""
        return [sum(counts) for counts in self._buckets(name, now, buckets, seconds)]

    def mean(self, now: float, buckets: int, seconds: int = 1) -> list[float]:
        """The mean duration of transactions, milliseconds, by bucket; 0 where there were none."""
        spent = self.series("milliseconds", now, buckets, seconds)
        count = self.series("all", now, buckets, seconds)
        return [s / c if c else 0.0 for s, c in zip(spent, count, strict=True)]

    def slowest(self, now: float, buckets: int, seconds: int = 1) -> list[int]:
        """The longest duration of a transaction, milliseconds, by bucket; 0 without any."""
        found = self._buckets("slowest", now, buckets, seconds)
        return [max(counts, default=0) for counts in found]

    def _buckets(self, name: str, now: float, buckets: int, seconds: int) -> Iterator[list[int]]:
        start = int(now) + 1 - buckets * seconds
        for first in range(start, start + buckets * seconds, seconds):
            known = (self._seconds.get(second) for second in range(first, first + seconds))
            yield [counts[name] for counts in known if counts is not None]
