"""What history holds against a sender: each fault with its count, its times and examples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from monitor.events import SEVERITIES, Finding, Severity
from monitor.findings.answers import canonical
from monitor.findings.catalogue import CATALOGUE
from monitor.letter.who import Who, parts
from monitor.record import Record

__all__ = ["Case", "Example", "Fault", "open_case", "worst_first"]

LEAST = SEVERITIES.index("notice")
EXAMPLES = 3  # a fault
MAX_CLIENTS = 500
MAX_DOMAINS = 200
_AUTHENTICATION = ("spf", "dkim", "dmarc", "arc")
_OURS = ("list.", "report.refused")  # not for the sender to mend


@dataclass(frozen=True, slots=True)
class Example:
    """A transaction that shows a fault."""

    record: Record
    finding: Finding


@dataclass(slots=True)
class Fault:
    """One code. ``examples`` are the gravest, of those the newest; one of a session."""

    code: str
    severity: Severity
    first: datetime
    last: datetime
    count: int = 0  # transactions
    clients: Counter[str] = field(default_factory=Counter)
    examples: list[Example] = field(default_factory=list)

    def add(self, record: Record, found: Finding) -> None:
        """Count one transaction that shows it."""
        self.count += 1
        self.first, self.last = min(self.first, record.started), max(self.last, record.started)
        self.severity = max(self.severity, found.severity, key=SEVERITIES.index)
        _seen(self.clients, record.client.ip, MAX_CLIENTS)
        kept = [e for e in self.examples if e.record.session != record.session]
        kept.append(Example(record, found))
        kept.sort(key=lambda e: (SEVERITIES.index(e.finding.severity), e.record.started))
        self.examples = kept[-EXAMPLES:]


@dataclass(slots=True)
class Case:
    """What is known of a sender over a span. ``faults`` are its own; ``claimed`` are of mail in
    its name that did not prove to be its, ``claims`` so many transactions."""

    who: Who
    first: datetime | None = None
    last: datetime | None = None
    records: int = 0
    accepted: int = 0
    deferred: int = 0
    refused: int = 0
    claims: int = 0
    clients: Counter[str] = field(default_factory=Counter)
    domains: Counter[str] = field(default_factory=Counter)  # that its mail was for
    faults: dict[str, Fault] = field(default_factory=dict)
    claimed: dict[str, Fault] = field(default_factory=dict)

    def add(self, record: Record) -> None:
        """Take in one record, if it is about them."""
        had = parts(self.who, record)
        if not had:
            return
        for code, worst in _worst(record).items():
            authentication = code.partition(".")[0] in _AUTHENTICATION
            if ("author" if authentication else "host") in had:
                _count(self.faults, record, worst)
            elif "claim" in had and authentication:
                _count(self.claimed, record, worst)
        self.claims += "claim" in had
        if had != {"claim"}:
            self._count(record)
        for domain in {canonical(rcpt.address.rpartition("@")[2]) for rcpt in record.rcpts}:
            _seen(self.domains, domain, MAX_DOMAINS)

    def _count(self, record: Record) -> None:
        self.records += 1
        self.first = min(self.first or record.started, record.started)
        self.last = max(self.last or record.started, record.started)
        kind = record.verdict.code // 100
        self.accepted += kind == 2 and record.message is not None
        self.deferred += kind == 4
        self.refused += kind == 5
        _seen(self.clients, record.client.ip, MAX_CLIENTS)

    @property
    def examples(self) -> list[Example]:
        """Of every fault, the gravest first; each session once."""
        found: dict[str, Example] = {}
        for faults in (self.faults, self.claimed):
            for fault in worst_first(faults):
                for example in reversed(fault.examples):
                    found.setdefault(example.record.session, example)
        return list(found.values())


def open_case(who: Who, records: Iterable[Record]) -> Case:
    """Go through ``records``, in any order."""
    case = Case(who)
    for record in records:
        case.add(record)
    return case


def worst_first(faults: dict[str, Fault]) -> list[Fault]:
    """The gravest, of those the most frequent."""
    rank = SEVERITIES.index
    return sorted(faults.values(), key=lambda f: (-rank(f.severity), -f.count, f.code))


def _worst(record: Record) -> dict[str, Finding]:
    """Of each code that is a fault which its sender can mend, the gravest finding."""
    found: dict[str, Finding] = {}
    for each in sorted(record.findings, key=lambda f: SEVERITIES.index(f.severity)):
        entry = CATALOGUE.get(each.code)
        mendable = bool(entry and entry.advice and not entry.advice.startswith("Nothing:"))
        grave = SEVERITIES.index(each.severity) >= LEAST
        if grave and mendable and not each.code.startswith(_OURS):
            found[each.code] = each
    return found


def _count(faults: dict[str, Fault], record: Record, found: Finding) -> None:
    fault = faults.get(found.code)
    if fault is None:
        begun = record.started
        fault = faults[found.code] = Fault(found.code, found.severity, begun, begun)
    fault.add(record, found)


def _seen(count: Counter[str], what: str, most: int) -> None:
    if what in count or len(count) < most:
        count[what] += 1
