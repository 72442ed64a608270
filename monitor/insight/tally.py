"""What one sender did, counted in bounded memory."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field

from monitor.findings.pools import network
from monitor.insight.cards import Evidence
from monitor.insight.cases import delivery, fate, faults
from monitor.insight.rules import Rule, Subject
from monitor.insight.sender import Proof
from monitor.record import Record

__all__ = ["Fault", "Part", "Tally"]

SHOWN = 5  # records that are named as evidence of a fault, the newest
NETWORKS = 8  # that a card names
DELIVERIES = 2_000  # of a sender and a fault that are told apart


@dataclass(slots=True)
class Fault:
    """Records that meet one row of the table, and the deliveries that they belong to."""

    cases: int = 0
    deliveries: set[str] = field(default_factory=set)
    newest: deque[Evidence] = field(default_factory=lambda: deque(maxlen=SHOWN))


@dataclass(slots=True)
class Part:
    """A part of the time: cases, and points lost in all of them together."""

    records: int = 0
    cases: Counter[Subject] = field(default_factory=Counter)
    lost: Counter[Subject] = field(default_factory=Counter)


@dataclass(slots=True)
class Tally:
    """What one sender did so far. Times are epoch seconds."""

    first: float
    last: float = 0.0
    proofs: Counter[Proof] = field(default_factory=Counter)
    records: int = 0
    fates: Counter[str] = field(default_factory=Counter)
    networks: dict[str, None] = field(default_factory=dict)
    cases: Counter[Subject] = field(default_factory=Counter)
    deliveries: set[str] = field(default_factory=set)
    faults: dict[Rule, Fault] = field(default_factory=dict)
    parts: dict[int, Part] = field(default_factory=dict)

    def count(self, record: Record, proof: Proof, subjects: set[Subject], number: int) -> None:
        """Count a record that is a case of ``subjects``, in a part of the time by its number."""
        part = self.parts.setdefault(number, Part())
        self.last = record.ended.timestamp()
        self.records += 1
        part.records += 1
        self.proofs[proof] += 1
        self.fates[fate(record)] += 1
        if len(self.networks) < NETWORKS:
            self.networks[network(record.client.ip)] = None
        self.cases.update(subjects)
        part.cases.update(subjects)
        attempt = ""
        if "retry" in subjects:
            attempt = delivery(record)
            if len(self.deliveries) < DELIVERIES:
                self.deliveries.add(attempt)
        for rule in faults(record):
            if rule.subject in subjects:
                fault = self.faults.setdefault(rule, Fault())
                fault.cases += 1
                fault.newest.append(Evidence(record.ended, record.id, record.session))
                if rule.subject == "retry" and len(fault.deliveries) < DELIVERIES:
                    fault.deliveries.add(attempt)
                part.lost[rule.subject] += rule.points
