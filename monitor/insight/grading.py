"""From records to report cards: one fold, in bounded memory."""

from __future__ import annotations

from monitor.insight.cards import Card, Others, Report
from monitor.insight.cases import cases
from monitor.insight.rules import Subject
from monitor.insight.sender import Sender, senders
from monitor.insight.tally import Tally
from monitor.insight.telling import PARTS, card
from monitor.record import Record, moment

__all__ = ["Grading"]

LIMIT = 10_000  # senders; past that those of the least mail are told of as "others"


class Grading:
    """Takes records in the order of time, from ``since`` to ``until`` (epoch seconds)."""

    def __init__(self, since: float, until: float, limit: int = LIMIT) -> None:
        self._since = since
        self._until = max(until, since + 1)
        self._limit = limit
        self._tallies: dict[str, Tally] = {}
        self._records = 0
        self._others = Others()

    def add(self, record: Record) -> None:
        """Count one ended transaction, or a session without one."""
        self._records += 1
        host, author = senders(record)
        subjects = cases(record)
        if host.name == author.name:
            self._count(author, record, subjects)
            return
        self._count(host, record, subjects - {"authentication"})
        if "authentication" in subjects:
            self._count(author, record, {"authentication"})

    def card(self, name: str) -> Card | None:
        """The card of one sender so far."""
        tally = self._tallies.get(name)
        return card(name, tally, self._since, self._until) if tally else None

    def report(self) -> Report:
        """The cards so far, the worst first."""
        told = (card(name, t, self._since, self._until) for name, t in self._tallies.items())
        cards = sorted(told, key=lambda c: (c.score is None, c.score, -c.records, c.sender))
        return Report(
            since=moment(self._since),
            until=moment(self._until),
            records=self._records,
            senders=tuple(cards),
            others=self._others,
        )

    def _count(self, sender: Sender, record: Record, subjects: set[Subject]) -> None:
        at = record.ended.timestamp()
        tally = self._tallies.get(sender.name)
        if tally is None:
            if len(self._tallies) >= self._limit:
                self._make_room()
            tally = self._tallies[sender.name] = Tally(at)
        tally.count(record, sender.proof, subjects, self._part(at))

    def _part(self, at: float) -> int:
        share = (at - self._since) / (self._until - self._since)
        return max(0, min(PARTS - 1, int(share * PARTS)))

    def _make_room(self) -> None:
        """Forget the tenth of the senders that has sent the least."""
        least = sorted(self._tallies, key=lambda name: self._tallies[name].records)
        for name in least[: max(1, self._limit // 10)]:
            gone = self._tallies.pop(name)
            self._others = Others(self._others.senders + 1, self._others.records + gone.records)
