"""Report cards: one sender's, or two side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rich.style import Style
from rich.text import Text

from monitor.events import Severity
from monitor.findings.catalogue import CATALOGUE
from monitor.findings.dmarc.walk import registered
from monitor.findings.pools import network
from monitor.insight.cards import Card, Point, Report, SubjectCard
from monitor.insight.cases import BY_CODE
from monitor.insight.render.words import LABELS, letter, number, reason, share, when
from monitor.insight.rules import SUBJECTS, Grade, Subject
from monitor.ui.cells import safe
from monitor.ui.draw.columns import Spec
from monitor.ui.look import Look
from monitor.ui.palette import Palette

__all__ = ["ONE", "TWO", "Row", "draw_head", "draw_row", "row_cells", "rows_of"]

ONE = (
    Spec("what", "What was found", 24, 60, 5),
    Spec("lost0", "Costs", 5, 6),
    Spec("cases0", "Seen in", 14, 18),
    Spec("code", "Finding", 18, 32, 2, wide=90),
)
TWO = (
    Spec("what", "What was found", 20, 60, 5),
    Spec("lost0", "A costs", 7, 8),
    Spec("cases0", "Seen in", 14, 16),
    Spec("lost1", "B costs", 7, 8),
    Spec("cases1", "Seen in", 14, 16),
    Spec("code", "Finding", 18, 32, 2, wide=110),
)


class Row(NamedTuple):
    """A subject, or a fault of it where ``code`` is given; for each card what it has there."""

    subject: Subject
    code: str
    subjects: tuple[SubjectCard, ...]
    points: tuple[Point | None, ...] = ()

    @property
    def point(self) -> Point | None:
        """The fault, of the first card that has it."""
        return next(filter(None, self.points), None)


def rows_of(cards: Sequence[Card]) -> list[Row]:
    """Subject by subject, in each what costs most first."""
    return [row for subject in SUBJECTS for row in _subject(subject, cards)]


def _subject(subject: Subject, cards: Sequence[Card]) -> Iterator[Row]:
    told = tuple(card.subjects[subject] for card in cards)
    yield Row(subject, "", told)
    faults: dict[tuple[str, Severity], list[Point | None]] = {}
    for at, one in enumerate(told):
        for point in one.points:
            found = faults.setdefault((point.code, point.severity), [None] * len(cards))
            found[at] = point
    rows = [Row(subject, code, told, tuple(points)) for (code, _), points in faults.items()]
    yield from sorted(rows, key=lambda row: -max(point.lost for point in row.points if point))


def row_cells(row: Row, look: Look) -> dict[str, tuple[str, Style]]:
    """The cells of a row, for one card or two."""
    palette = look.palette
    if row.point is None:
        cells = {"what": (LABELS[row.subject], palette.heading), "code": ("", palette.muted)}
        for at, one in enumerate(row.subjects):
            cells[f"lost{at}"] = (_grade(one), grade_style(one.grade, palette))
            cells[f"cases{at}"] = (reason(row.subject, one), palette.muted)
        return cells
    severity = _severity(row.point)
    style, mark = palette.severity(severity), look.marks.severity[severity]
    cells = {"what": (f"  {mark} {row.point.title}", palette.text), "code": (row.code, style)}
    for at, (point, one) in enumerate(zip(row.points, row.subjects, strict=True)):
        lost, cases = look.marks.dot, ""
        if point:
            lost = f"-{point.lost:g}" if point.counted else "0"
            cases = f"{point.cases:,} of {one.cases:,}"
        cells[f"lost{at}"] = (lost, style if point and point.lost else palette.muted)
        cells[f"cases{at}"] = (cases, palette.muted)
    return cells


def draw_head(report: Report, names: Sequence[str], look: Look) -> Iterator[Text]:
    """Who it is about and how it fares, two lines a sender, and what time it is of.

    ``names`` are those that were asked for.
    """
    many = len(report.senders) > 1
    for at, (name, card) in enumerate(zip(names, report.senders, strict=True)):
        text = Text(f"{'AB'[at]} " if many else "", look.palette.accent)
        text.append(f"{letter(card)} ", grade_style(card.grade, look.palette) + Style(bold=True))
        text.append(safe(card.sender), look.palette.strong)
        text.append(f"  {number(card.score)} of 100  ", look.palette.text)
        text.append(_levels([part.score for part in card.trend], look), look.palette.accent)
        yield text
        yield Text(
            f"{'  ' if many else ''}Known by {card.proof}. {card.records:,} records, "
            f"{card.messages:,} accepted, {card.deferred:,} deferred, {card.refused:,} refused, "
            f"from {safe(', '.join(card.networks))}",
            look.palette.muted,
        )
        if card.sender not in (name, registered(name.lower()), network(name)):
            told = f"Most mail in the name of {safe(name)}, unproved, came from here."
            yield Text(told, look.palette.warning)
    told = f"{when(report.since)} to {when(report.until)} UTC"
    yield Text(told, look.palette.muted)


def draw_row(row: Row | None, cards: Sequence[Card], look: Look) -> Iterator[Text]:
    """What is to be said of the row under the cursor."""
    if row is None or row.point is None:
        return
    palette, told = look.palette, row.point
    yield Text.assemble((safe(told.title), palette.strong), (f"  {told.code}", palette.muted))
    if told.advice:
        yield Text.assemble(
            ("Tell the sender: ", palette.accent), (f"{told.advice} ", palette.text),
            (told.reference, palette.muted),
        )  # fmt: skip
    for card, point, one in zip(cards, row.points, row.subjects, strict=True):
        if point:
            name = f"{safe(card.sender)}: " if len(cards) > 1 else ""
            yield Text(
                f"{name}{point.points} points for each case that shows it, {share(point, one)}",
                palette.text,
            )
            seen = (f"{each.at:%Y-%m-%d %H:%M:%S}" for each in point.evidence)
            yield Text(f"Last seen {', '.join(seen)}; enter opens these", palette.muted)


def _severity(point: Point) -> Severity:
    """How grave it is: the row's own severity where bands decide it, else the catalogue's."""
    return point.severity if len(BY_CODE[point.code]) > 1 else CATALOGUE[point.code].severity


def _grade(card: SubjectCard) -> str:
    return f"{letter(card)} {number(card.score)}" if card.grade else letter(card)


def grade_style(grade: Grade | None, palette: Palette) -> Style:
    """How good a grade is."""
    match grade:
        case "A" | "B":
            return palette.good
        case "C":
            return palette.notice
        case "D":
            return palette.warning
        case "F":
            return palette.error
    return palette.muted


def _levels(scores: Sequence[float | None], look: Look) -> str:
    """Scores from 0 to 100 on one line; blank where there is none."""
    blocks = look.marks.blocks
    steps = len(blocks) - 1
    return "".join(
        " " if score is None else blocks[max(1, round(score / 100 * steps))] for score in scores
    )
