"""The senders that were seen, one line an organisation."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from monitor.events import SEVERITIES
from monitor.insight.grading import Grading
from monitor.insight.rules import Grade
from monitor.insight.sender import senders
from monitor.record import Record, worst
from monitor.ui.state.rates import outcome

__all__ = ["LIMIT", "Sender", "Senders", "organisation"]

LIMIT = 5_000
TREND = 60  # minutes that are kept


@dataclass(slots=True)
class Sender:
    """What one organisation sent."""

    name: str
    filter: str  # shows its transactions
    seen: datetime
    host: str = ""  # whose client it was, as report cards have it
    volume: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    worst: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)  # of findings from notice on
    minutes: Counter[int] = field(default_factory=Counter)

    def add(self, record: Record) -> None:
        """Count one of its transactions."""
        self.seen = max(self.seen, record.ended)
        self.volume += 1
        self.outcomes[outcome(record.verdict.code)] += 1
        if severity := worst(record.findings):
            self.worst[severity] += 1
        grave = SEVERITIES.index("notice")
        faults = [f.code for f in record.findings if SEVERITIES.index(f.severity) >= grave]
        self.codes.update(dict.fromkeys(faults, 1))
        self.minutes[int(record.ended.timestamp()) // 60] += 1
        while len(self.minutes) > TREND:
            del self.minutes[min(self.minutes)]

    def trend(self, now: float, minutes: int) -> list[int]:
        """Transactions by the minute, the last one is the present minute."""
        last = int(now) // 60
        return [self.minutes[m] for m in range(last - minutes + 1, last + 1)]


def organisation(record: Record) -> tuple[str, str]:
    """Who sent it, and the filter that shows it: the domain of the reverse-path,
    else the client's own name, else its address."""
    _, at, domain = (record.mail_from or "").rpartition("@")
    if at and domain:
        return domain.lower(), f'from:"@{domain.lower()}"'
    if record.client.name:
        return record.client.name, f'name:"{record.client.name}"'
    return record.client.ip, f"ip:{record.client.ip}"


class Senders:
    """Every sender of the last while; those longest silent are forgotten first."""

    def __init__(self) -> None:
        self._by_name: dict[str, Sender] = {}
        self._grading = Grading(0.0, 1.0, LIMIT)
        self._graded: dict[str, tuple[int, Grade | None]] = {}  # after how many transactions

    def __len__(self) -> int:
        return len(self._by_name)

    def add(self, record: Record) -> None:
        """Count one ended transaction."""
        name, wanted = organisation(record)
        sender = self._by_name.pop(name, None) or Sender(name, wanted, record.ended)
        self._by_name[name] = sender  # the dict is in the order of last use
        sender.add(record)
        sender.host = senders(record).host.name
        self._grading.add(record)
        if len(self._by_name) > LIMIT:
            gone = next(iter(self._by_name))
            del self._by_name[gone]
            self._graded.pop(gone, None)

    def grade(self, sender: Sender) -> Grade | None:
        """The grade of the host that sent its last mail; None while there was too little."""
        volume, grade = self._graded.get(sender.name, (0, None))
        if volume != sender.volume:
            card = self._grading.card(sender.host)
            grade = card.grade if card else None
            self._graded[sender.name] = sender.volume, grade
        return grade

    def busiest(self) -> list[Sender]:
        """The senders by volume, the busiest first."""
        return sorted(self._by_name.values(), key=lambda s: (-s.volume, s.name))
