"""From what a sender did to its report card."""

from __future__ import annotations

from monitor.findings.catalogue import CATALOGUE
from monitor.insight.cards import Card, Point, Scores, SubjectCard, Trend, grade, mixed
from monitor.insight.cases import BY_CODE
from monitor.insight.rules import AGREE, ENOUGH, SUBJECTS, Rule, Subject
from monitor.insight.tally import Fault, Part, Tally
from monitor.record import moment

__all__ = ["PARTS", "card"]

PARTS = 14  # of the time, for the trend


def card(name: str, tally: Tally, since: float, until: float) -> Card:
    """The card of a sender over a time (epoch seconds)."""
    subjects = {subject: _subject(subject, tally) for subject in SUBJECTS}
    score = mixed({subject: told.score for subject, told in subjects.items()})
    each = (until - since) / PARTS
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
        trend=tuple(
            _trend(since + number * each, tally.parts.get(number, Part()))
            for number in range(PARTS)
        ),
    )


def _trend(since: float, part: Part) -> Trend:
    scores: Scores = {
        subject: _rounded(max(0.0, 100 - part.lost[subject] / part.cases[subject]))
        if part.cases[subject] >= ENOUGH
        else None
        for subject in SUBJECTS
    }
    return Trend(
        since=moment(since),
        records=part.records,
        score=_rounded(mixed(scores)),
        subjects=scores,
    )


def _subject(subject: Subject, tally: Tally) -> SubjectCard:
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


def _agreed(tally: Tally) -> dict[Rule, int]:
    """Deliveries that count against each row of retries: each for the gravest row of a code that
    enough of them agree on."""
    shown: dict[Rule, int] = {}
    for rows in BY_CODE.values():
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


def _point(rule: Rule, fault: Fault, counted: int, of: int) -> Point:
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


def _rounded(score: float | None) -> float | None:
    return None if score is None else round(score, 1)
