"""How numbers and times are written in all of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from monitor.insight.cards import Card, Point, SubjectCard
from monitor.insight.rules import AGREE, ENOUGH, SUBJECTS, Subject

__all__ = ["LABELS", "NONE", "costliest", "letter", "number", "reason", "share", "when"]

NONE = "\N{EN DASH}"
LABELS: dict[Subject, str] = {
    "authentication": "Authentication",
    "retry": "Retry discipline",
    "conduct": "Protocol conduct",
    "tls": "TLS",
    "routing": "Routing",
}


def letter(card: Card | SubjectCard) -> str:
    """The grade, or a dash where there is none."""
    return card.grade or NONE


def number(score: float | None) -> str:
    """A score as a whole number."""
    return NONE if score is None else f"{score:.0f}"


def when(at: datetime) -> str:
    """A time to the minute, UTC."""
    return f"{at:%Y-%m-%d %H:%M}"


def reason(subject: Subject, card: SubjectCard) -> str:
    """How many cases a grade is about, or why there is none."""
    word = "deliver" if subject == "retry" else "record"
    plural = ("ies" if card.cases != 1 else "y") if subject == "retry" else "s" * (card.cases != 1)
    told = f"{card.cases:,} {word}{plural}"
    return told if card.grade else f"{told}; a grade needs {ENOUGH}"


def share(point: Point, card: SubjectCard) -> str:
    """How many cases show a fault, and why it costs nothing where it does not."""
    told = f"{point.cases:,} of {card.cases:,}"
    return told if point.counted else f"{told}: not counted, {AGREE} and half of all must agree"


def costliest(card: Card) -> Iterator[Point]:
    """The faults of all subjects, those that cost most first."""
    points = [point for subject in SUBJECTS for point in card.subjects[subject].points]
    yield from sorted(points, key=lambda point: -point.lost)
