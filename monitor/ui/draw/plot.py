"""Sparklines, and the scales of plots."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, log10

__all__ = ["amount", "nice_top", "sparkline"]


def sparkline(values: Sequence[float], blocks: str) -> str:
    """``values`` on one line, a cell each, the greatest full. What is not zero is seen.

    ``blocks`` are the fillings of a cell from empty to full.
    """
    steps = len(blocks) - 1
    top = max(values, default=0) or 1
    return "".join(blocks[max(1, round(v / top * steps)) if v > 0 else 0] for v in values)


def nice_top(value: float) -> float:
    """The next 1, 2, 4, 6 or 8 times a power of ten from ``value`` up; 1 for nothing."""
    if value <= 0:
        return 1
    unit: float = 10.0 ** (ceil(log10(value)) - 1)
    return next(step * unit for step in (1, 2, 4, 6, 8, 10) if step * unit >= value)


def amount(value: float) -> str:
    """A number in a few characters: ``0.5``, ``17``, ``1.2k``."""
    for size, unit in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g}{unit}"
    return f"{value:.2g}" if value < 10 else f"{value:.0f}"
