"""How far back a question about the past goes."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["SPANS", "Span"]


class Span(NamedTuple):
    """Days back from now; 0 for all that there is."""

    days: int
    words: str


SPANS = (Span(1, "the last day"), Span(7, "the last week"), Span(30, "the last month"))
