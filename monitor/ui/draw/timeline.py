"""Attempts on a line of some cells: when each came, and how it went."""

from __future__ import annotations

import math

from monitor.findings.retry.waiting import Wait
from monitor.ui.marks import Marks

__all__ = ["timeline"]


def timeline(wait: Wait, now: float, width: int, marks: Marks) -> str:
    """The attempts from the first to now, and the next one where it is expected.

    Time is drawn by its logarithm: three attempts within a minute stay apart in a day.
    """
    if width < 2:
        return ""
    end = max(now, wait.last.at, wait.expected if not wait.gave_up else 0.0)
    scale = math.log1p(max(1.0, end - wait.since))

    def cell(at: float) -> int:
        return min(width - 1, round(math.log1p(max(0.0, at - wait.since)) / scale * (width - 1)))

    line = [marks.rule] * (cell(now) + 1) + [" "] * (width - 1 - cell(now))
    if not wait.gave_up and wait.expected > now:
        line[cell(wait.expected)] = marks.expected
    for tried in wait.tries:
        line[cell(tried.at)] = marks.attempt if tried.counted else marks.aside
    return "".join(line)
