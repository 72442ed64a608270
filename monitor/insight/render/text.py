"""Report cards for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from monitor.insight.cards import Card, Report, SubjectCard
from monitor.insight.render.words import (
    LABELS,
    NONE,
    costliest,
    letter,
    number,
    reason,
    share,
    when,
)
from monitor.insight.rules import SUBJECTS, Subject
from monitor.text import clip, printable

__all__ = ["compared", "details", "overview"]

NAME = 32  # cells


def overview(report: Report, limit: int) -> Iterator[str]:
    """A line a sender, the worst first, ``limit`` at most."""
    count = len(report.senders)
    yield (
        f"{count:,} senders in {report.records:,} records, {when(report.since)} to "
        f"{when(report.until)} UTC, the worst first"
    )
    yield ""
    heads = " ".join(f"{subject[:5]:5}" for subject in SUBJECTS)
    yield f"{'sender':{NAME}} {'records':>8}  grade  {heads}  what costs most"
    for card in report.senders[:limit]:
        grades = " ".join(f"{letter(card.subjects[subject]):5}" for subject in SUBJECTS)
        fault = next((f"{p.code} -{p.lost:.0f}" for p in costliest(card) if p.lost), "")
        name = clip(printable(card.sender), NAME)
        yield f"{name:{NAME}} {card.records:>8,}  {letter(card):5}  {grades}  {fault}".rstrip()
    if count > limit:
        yield f"and {count - limit:,} more; --limit shows them"
    if report.others.senders:
        yield f"and {report.others.senders:,} senders of {report.others.records:,} records in all"


def details(card: Card) -> Iterator[str]:
    """All that a card says."""
    yield f"{printable(card.sender)}: {letter(card)} ({number(card.score)} of 100)"
    yield (
        f"known by {card.proof}; {card.records:,} records from {when(card.first)} to "
        f"{when(card.last)} UTC: {card.messages:,} accepted, {card.deferred:,} deferred, "
        f"{card.refused:,} refused"
    )
    yield f"networks: {', '.join(map(printable, card.networks))}"
    yield f"trend: {' '.join(number(part.score) for part in card.trend)}"
    for subject in SUBJECTS:
        yield ""
        yield from _subject(subject, card.subjects[subject])


def _subject(subject: Subject, card: SubjectCard) -> Iterator[str]:
    told = f"{number(card.score)} of 100, {reason(subject, card)}" if card.grade else ""
    yield f"{letter(card)}  {LABELS[subject]}: {told or reason(subject, card)}"
    for point in card.points:
        yield f"   -{point.lost:<5g} {point.code} ({share(point, card)}): {point.title}"
        if point.advice:
            yield f"          {point.advice} [{point.reference}]"
        for seen in point.evidence:
            yield f"          {seen.at:%Y-%m-%d %H:%M:%S} {printable(seen.transaction)}"


def compared(one: Card, other: Card) -> Iterator[str]:
    """Two cards side by side, and what only one of them does."""
    rows = [("", one.sender, other.sender), ("grade", _grade(one), _grade(other))]
    rows += [
        (LABELS[subject], _grade(one.subjects[subject]), _grade(other.subjects[subject]))
        for subject in SUBJECTS
    ]
    rows.append(("records", f"{one.records:,}", f"{other.records:,}"))
    for label, left, right in rows:
        yield f"{label:18} {clip(printable(left), NAME):{NAME}} {clip(printable(right), NAME)}"
    for card, against in ((one, other), (other, one)):
        known = {point.code for point in costliest(against)}
        only = [f"{p.code} (-{p.lost:g})" for p in costliest(card) if p.code not in known]
        yield ""
        yield f"only {printable(card.sender)}: {', '.join(only) or NONE}"


def _grade(card: Card | SubjectCard) -> str:
    if isinstance(card, SubjectCard):
        return f"{letter(card)}  {number(card.score):>3}  n={card.cases:,}"
    return f"{letter(card)}  {number(card.score):>3}"
