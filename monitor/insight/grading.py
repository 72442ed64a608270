"""From records to report cards: one fold, in bounded memory."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import groupby

from monitor.events import SEVERITIES
from monitor.findings.catalogue import CATALOGUE
from monitor.findings.pools import digest, forward_path, network, reverse_path
from monitor.insight.cards import (
    Card,
    Evidence,
    Others,
    Point,
    Report,
    Scores,
    SubjectCard,
    Trend,
    grade,
    mixed,
)
from monitor.insight.rules import AGREE, ENOUGH, RULES, SUBJECTS, Rule, Subject
from monitor.insight.sender import Sender, senders
from monitor.record import Record, moment

__all__ = ["Grading"]

LIMIT = 10_000  # senders; past that those of the least mail are told of as "others"
SHOWN = 5  # records that are named as evidence of a fault, the newest
PARTS = 14  # of the time, for the trend
NETWORKS = 8  # that a card names
DELIVERIES = 2_000  # of a sender and a fault that are told apart

_RANK = {severity: rank for rank, severity in enumerate(SEVERITIES)}
_BY_CODE: dict[str, tuple[Rule, ...]] = {
    code: tuple(sorted(rows, key=lambda rule: -_RANK[rule.least]))
    for code, rows in groupby(sorted(RULES, key=lambda rule: rule.code), lambda rule: rule.code)
}
_FAMILIES: dict[str, Subject] = {  # a finding of one makes a record a case of the other
    "dkim": "authentication",
    "retry": "retry",
    "conduct": "conduct",
}
_UNSETTLED = ("spf.temperror", "dkim.temperror", "dmarc.temperror", "relay.check-failed")


@dataclass(slots=True)
class _Fault:
    cases: int = 0
    deliveries: set[str] = field(default_factory=set)
    newest: deque[Evidence] = field(default_factory=lambda: deque(maxlen=SHOWN))


@dataclass(slots=True)
class _Tally:
    """What one sender did so far."""

    first: float
    last: float = 0.0
    proofs: Counter[str] = field(default_factory=Counter)
    records: int = 0
    fates: Counter[str] = field(default_factory=Counter)
    networks: dict[str, None] = field(default_factory=dict)
    cases: Counter[Subject] = field(default_factory=Counter)
    deliveries: set[str] = field(default_factory=set)
    faults: dict[Rule, _Fault] = field(default_factory=dict)
    parts: dict[int, _Part] = field(default_factory=dict)


@dataclass(slots=True)
class _Part:
    """A part of the time: cases, and points lost in all of them together."""

    records: int = 0
    cases: Counter[Subject] = field(default_factory=Counter)
    lost: Counter[Subject] = field(default_factory=Counter)


class Grading:
    """Takes records in the order of time, from ``since`` to ``until`` (epoch seconds)."""

    def __init__(self, since: float, until: float, limit: int = LIMIT) -> None:
        self._since = since
        self._until = max(until, since + 1)
        self._limit = limit
        self._tallies: dict[str, _Tally] = {}
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

    def report(self, only: Iterable[str] = ()) -> Report:
        """The cards so far, the worst first; with ``only`` those of these senders."""
        wanted = set(only)
        cards = [
            self._card(name, tally)
            for name, tally in self._tallies.items()
            if not wanted or name in wanted
        ]
        cards.sort(key=lambda c: (c.score is None, c.score, -c.records, c.sender))
        return Report(
            since=moment(self._since),
            until=moment(self._until),
            records=self._records,
            senders=tuple(cards),
            others=self._others,
        )

    # -- counting

    def _count(self, sender: Sender, record: Record, subjects: set[Subject]) -> None:
        at = record.ended.timestamp()
        tally = self._tallies.get(sender.name)
        if tally is None:
            if len(self._tallies) >= self._limit:
                self._make_room()
            tally = self._tallies[sender.name] = _Tally(at)
        part = tally.parts.setdefault(self._part(at), _Part())
        tally.last = at
        tally.records += 1
        part.records += 1
        tally.proofs[sender.proof] += 1
        tally.fates[_fate(record)] += 1
        if len(tally.networks) < NETWORKS:
            tally.networks[network(record.client.ip)] = None
        tally.cases.update(subjects)
        part.cases.update(subjects)
        delivery = ""
        if "retry" in subjects:
            delivery = _delivery(record)
            if len(tally.deliveries) < DELIVERIES:
                tally.deliveries.add(delivery)
        for rule in faults(record):
            if rule.subject in subjects:
                fault = tally.faults.setdefault(rule, _Fault())
                fault.cases += 1
                fault.newest.append(Evidence(record.ended, record.id, record.session))
                if rule.subject == "retry" and len(fault.deliveries) < DELIVERIES:
                    fault.deliveries.add(delivery)
                part.lost[rule.subject] += rule.points

    def _part(self, at: float) -> int:
        share = (at - self._since) / (self._until - self._since)
        return max(0, min(PARTS - 1, int(share * PARTS)))

    def _make_room(self) -> None:
        """Forget the tenth of the senders that has sent the least."""
        least = sorted(self._tallies, key=lambda name: self._tallies[name].records)
        for name in least[: max(1, self._limit // 10)]:
            gone = self._tallies.pop(name)
            self._others = Others(self._others.senders + 1, self._others.records + gone.records)

    # -- telling

    def _card(self, name: str, tally: _Tally) -> Card:
        subjects = {subject: _subject(subject, tally) for subject in SUBJECTS}
        score = mixed({subject: card.score for subject, card in subjects.items()})
        return Card(
            sender=name,
            proof=tally.proofs.most_common(1)[0][0],
            grade=grade(score),
            score=_rounded(score),
            first=moment(tally.first),
            last=moment(tally.last),
            records=tally.records,
            messages=tally.fates["accepted"],
            deferred=tally.fates["deferred"],
            refused=tally.fates["refused"],
            networks=tuple(tally.networks),
            subjects=subjects,
            trend=tuple(self._trend(number, tally.parts) for number in range(PARTS)),
        )

    def _trend(self, number: int, parts: dict[int, _Part]) -> Trend:
        part = parts.get(number, _Part())
        scores: Scores = {
            subject: _rounded(max(0.0, 100 - part.lost[subject] / part.cases[subject]))
            if part.cases[subject] >= ENOUGH
            else None
            for subject in SUBJECTS
        }
        each = (self._until - self._since) / PARTS
        return Trend(
            since=moment(self._since + number * each),
            records=part.records,
            score=_rounded(mixed(scores)),
            subjects=scores,
        )


def _subject(subject: Subject, tally: _Tally) -> SubjectCard:
    retry = subject == "retry"
    count = len(tally.deliveries) if retry else tally.cases[subject]
    faults = {rule: fault for rule, fault in tally.faults.items() if rule.subject == subject}
    counted = _agreed(tally) if retry else {rule: fault.cases for rule, fault in faults.items()}
    told = {rule.code for rule in counted}  # elsewhere in a graver or milder row
    points = [
        _point(rule, fault, counted.get(rule, 0), count)
        for rule, fault in faults.items()
        if rule in counted or rule.code not in told
    ]
    points.sort(key=lambda point: (-point.lost, -point.cases, point.code))
    enough = count >= ENOUGH
    score = max(0.0, 100 - sum(point.lost for point in points)) if enough else None
    return SubjectCard(grade=grade(score), score=_rounded(score), cases=count, points=tuple(points))


def _agreed(tally: _Tally) -> dict[Rule, int]:
    """Deliveries that count against each row of retries: each for the gravest row of a code that
    enough of them agree on."""
    shown: dict[Rule, int] = {}
    for rows in _BY_CODE.values():
        counted: set[str] = set()
        waiting: set[str] = set()
        for rule in rows:
            if rule.subject != "retry" or rule not in tally.faults:
                continue
            waiting |= tally.faults[rule].deliveries - counted
            agreeing = len(counted | waiting)
            if waiting and agreeing >= AGREE and 2 * agreeing >= len(tally.deliveries):
                shown[rule] = len(waiting)
                counted |= waiting
                waiting = set()
    return shown


def _point(rule: Rule, fault: _Fault, counted: int, of: int) -> Point:
    entry = CATALOGUE[rule.code]
    return Point(
        code=rule.code,
        severity=rule.least,
        title=entry.title,
        advice=entry.advice,
        reference=entry.reference,
        points=rule.points,
        cases=len(fault.deliveries) or fault.cases,
        counted=counted,
        lost=round(rule.points * counted / of, 1) if counted else 0.0,
        evidence=tuple(reversed(fault.newest)),
    )


# -- what a record is a case of


def cases(record: Record) -> set[Subject]:
    """The subjects that a record says something about."""
    found: set[Subject] = set()
    if record.mail_from is not None or record.client.helo is not None:
        found.add("conduct")
    if record.mail_from is not None:
        found.add("routing")
    settled = True
    for each in record.findings:
        family = each.code.partition(".")[0]
        if each.code == "list.banned":
            return set()  # turned away by us: how it would have gone on is not known
        if each.code in _UNSETTLED:
            settled = False
        elif family == "tls":
            # For information tls.none says that TLS was not offered.
            if each.code == "tls.ok" or (each.code in _BY_CODE and each.severity != "info"):
                found.add("tls")
        elif subject := _FAMILIES.get(family):
            found.add(subject)
    return found if settled else found - {"authentication", "routing"}


def faults(record: Record) -> Iterable[Rule]:
    """The rows of the table that a record meets: for each code the gravest."""
    codes = {found.code for found in record.findings}
    met: dict[str, Rule] = {}
    for found in record.findings:
        for rule in _BY_CODE.get(found.code, ()):
            if _RANK[found.severity] >= _RANK[rule.least]:
                before = met.get(rule.code)
                if rule.unless not in codes and (not before or before.points < rule.points):
                    met[rule.code] = rule
                break
    return met.values()


def _delivery(record: Record) -> str:
    recipient = record.rcpts[0].address if record.rcpts else ""
    return digest(reverse_path(record.mail_from or ""), forward_path(recipient))


def _fate(record: Record) -> str:
    if record.state in ("accepted", "accepted-unacknowledged"):
        return "accepted"
    match record.verdict.code // 100:
        case 4:
            return "deferred"
        case 5:
            return "refused"
    return "none"


def _rounded(score: float | None) -> float | None:
    return None if score is None else round(score, 1)
