"""Bars of numbers: sparklines on one line, plots on several."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["bars", "sparkline"]


def bars(values: Sequence[float], height: int, blocks: str, top: float = 0) -> list[str]:
    """``height`` lines from the top down, a cell a value; ``top`` is the full height's value.

    ``blocks`` are the fillings of a cell from empty to full. What is not zero is seen.
    """
    steps = len(blocks) - 1
    full = top or max(values, default=0) or 1
    levels = [0 if v <= 0 else max(1, round(min(v, full) / full * height * steps)) for v in values]
    return [
        "".join(blocks[max(0, min(steps, level - row * steps))] for level in levels)
        for row in range(height - 1, -1, -1)
    ]


def sparkline(values: Sequence[float], blocks: str) -> str:
    """``values`` on one line."""
    return bars(values, 1, blocks)[0]
