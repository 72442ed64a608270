"""Counts and rates of what ended."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from monitor.events import AnyEvent, Asked
from monitor.record import Record

ASKED = 20  # questions to the DNS that tell whether it answers
WINDOW = 10.0  # seconds over which a rate is taken


class Stats:
    """Totals since the start, and the rate of late. Bounded: it keeps counts, not records."""

    def __init__(self) -> None:
        self.transactions = 0
        self.accepted = 0
        self.deferred = 0
        self.refused = 0
        self._answered: deque[bool] = deque(maxlen=ASKED)
        self._seconds: deque[tuple[int, int]] = deque(maxlen=int(WINDOW) + 1)

    def count(self, record: Record) -> None:
        """Take one record in."""
        if record.mail_from is None:
            return
        self.transactions += 1
        kind = record.verdict.code // 100
        self.accepted += record.state.startswith("accepted")
        self.deferred += kind == 4
        self.refused += kind == 5
        second = int(record.ended.timestamp())
        if self._seconds and self._seconds[-1][0] == second:
            second, before = self._seconds.pop()
            self._seconds.append((second, before + 1))
        else:
            self._seconds.append((second, 1))

    def heard(self, events: Iterable[AnyEvent]) -> None:
        """Take in how questions to the DNS went."""
        self._answered += [each.status != "timeout" for each in events if type(each) is Asked]

    @property
    def dns_up(self) -> bool | None:
        """False while most questions of late had no answer; None before there were any."""
        if not self._answered:
            return None
        return 2 * sum(self._answered) >= len(self._answered)

    def rate(self, now: float) -> float:
        """Transactions a second over the last ten."""
        return sum(n for second, n in self._seconds if second > now - WINDOW) / WINDOW
