"""What a report says, as structs: the form of ``mxtap report --json``. Keys may be added."""

from __future__ import annotations

from datetime import datetime

import msgspec

from monitor.events import Severity
from monitor.insight.rules import AGREE, ENOUGH, GRADES, RULES, SUBJECTS, Grade, Rule, Subject

__all__ = [
    "Card",
    "Evidence",
    "Point",
    "Report",
    "Scores",
    "SubjectCard",
    "Trend",
    "grade",
    "mixed",
]

Scores = dict[Subject, float | None]


class Evidence(msgspec.Struct, frozen=True):
    """A record that shows a fault: ``mxtap events --filter id:…`` and the UI open it."""

    at: datetime
    transaction: str
    session: str


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """One fault. ``lost`` is what it cost: ``points`` times the share of the cases that count.

    All do, but for a fault of retries that too few deliveries agree on.
    """

    code: str
    severity: Severity  # the row of the table that holds
    title: str
    advice: str
    reference: str
    points: int
    cases: int  # that show it
    counted: int  # of these
    lost: float
    evidence: tuple[Evidence, ...]  # the newest


class SubjectCard(msgspec.Struct, frozen=True, kw_only=True):
    """One subject; ``grade`` and ``score`` are None where there are too few ``cases``."""

    grade: Grade | None
    score: float | None
    cases: int
    points: tuple[Point, ...]


class Trend(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the time; scores are None where it has too few cases."""

    since: datetime
    records: int
    score: float | None
    subjects: Scores


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """A sender's report card."""

    sender: str
    proof: str  # what told who it is, most often
    grade: Grade | None
    score: float | None
    first: datetime
    last: datetime
    records: int
    messages: int  # that were accepted
    deferred: int
    refused: int
    networks: tuple[str, ...]  # some of them
    subjects: dict[Subject, SubjectCard]
    trend: tuple[Trend, ...]


class Others(msgspec.Struct, frozen=True):
    """Senders of little mail that there was no room for."""

    senders: int = 0
    records: int = 0


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """Report cards over a time, the worst first."""

    v: int = 1
    since: datetime
    until: datetime
    records: int
    senders: tuple[Card, ...]
    others: Others = Others()
    enough: int = ENOUGH
    agree: int = AGREE
    grades: tuple[tuple[Grade, float], ...] = GRADES
    rules: tuple[Rule, ...] = RULES


def grade(score: float | None) -> Grade | None:
    """The grade of a score from 0 to 100; None for None."""
    if score is None:
        return None
    return next(letter for letter, least in GRADES if score >= least)


def mixed(scores: Scores) -> float | None:
    """The score of all subjects: the middle between their mean and the worst."""
    known = [score for subject in SUBJECTS if (score := scores.get(subject)) is not None]
    return (sum(known) / len(known) + min(known)) / 2 if known else None
