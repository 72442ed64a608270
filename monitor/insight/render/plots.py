"""Plots as inline SVG: they print, and need nothing from elsewhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from monitor.insight.cards import Card, Trend
from monitor.insight.render.markup import Html, tag
from monitor.insight.render.words import NONE, letter, number, when
from monitor.insight.rules import GRADES, Subject

__all__ = ["distribution", "trend"]

WIDTH, HEIGHT = 300, 104
LEFT = 14  # of the grades' letters


def trend(parts: Sequence[Trend], subject: Subject | None = None) -> Html:
    """Scores over time, with a line where each grade begins; gaps where too little was seen."""
    scores = [part.subjects.get(subject) if subject else part.score for part in parts]
    step = (WIDTH - LEFT) / max(1, len(parts))
    places = [(LEFT + step * (n + 0.5), _y(score)) for n, score in enumerate(scores)]
    drawn = [_level(grade, least) for grade, least in GRADES if least]
    drawn += [
        tag("polyline", class_="run", points=" ".join(f"{x:.1f},{y:.1f}" for x, y in run))
        for run in _runs(places)
    ]
    drawn += [
        tag(
            "circle",
            tag("title", f"{when(part.since)} UTC: {number(score)}"),
            class_="dot",
            cx=f"{x:.1f}",
            cy=f"{y:.1f}",
            r=2,
        )
        for (x, y), part, score in zip(places, parts, scores, strict=True)
        if y is not None
    ]
    told = ", ".join(number(score) for score in scores)
    return _svg(WIDTH, HEIGHT, f"Scores over time: {told}", *drawn)


def distribution(cards: Sequence[Card]) -> Html:
    """How many senders have each grade."""
    count = Counter(letter(card) for card in cards)
    letters = [*(grade for grade, _ in GRADES), NONE]
    most = max(count.values(), default=1)
    drawn: list[Html] = []
    for row, name in enumerate(letters):
        y = row * 18
        size = count[name] / most * (WIDTH - 80)
        drawn.append(tag("text", name, x=0, y=y + 13))
        drawn.append(
            tag("rect", class_=f"bar g{name}", x=18, y=y + 3, width=f"{size:.1f}", height=12)
        )
        drawn.append(tag("text", f"{count[name]:,}", x=f"{size + 24:.1f}", y=y + 13))
    told = ", ".join(f"{name}: {count[name]}" for name in letters)
    return _svg(WIDTH, len(letters) * 18, f"Senders by grade: {told}", *drawn)


def _svg(width: int, height: int, label: str, *drawn: Html) -> Html:
    return tag(
        "svg",
        *drawn,
        viewBox=f"0 0 {width} {height}",
        width=width,
        height=height,
        role="img",
        aria_label=label,
    )


def _y(score: float | None) -> float | None:
    return None if score is None else 3 + (100 - score) / 100 * (HEIGHT - 6)


def _level(grade: str, least: float) -> Html:
    y = _y(least) or 0
    return tag(
        "g",
        tag("line", class_="level", x1=LEFT, x2=WIDTH, y1=f"{y:.1f}", y2=f"{y:.1f}"),
        tag("text", grade, class_="small", x=0, y=f"{y + 3:.1f}"),
    )


def _runs(places: Sequence[tuple[float, float | None]]) -> list[list[tuple[float, float]]]:
    """What hangs together: gaps are not bridged."""
    runs: list[list[tuple[float, float]]] = [[]]
    for x, y in places:
        if y is None:
            runs.append([])
        else:
            runs[-1].append((x, y))
    return [run for run in runs if len(run) > 1]
