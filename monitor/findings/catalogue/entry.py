"""What the catalogue knows of a code."""

from __future__ import annotations

from typing import NamedTuple

from monitor.events import Severity


class Entry(NamedTuple):
    """One code of the catalogue."""

    severity: Severity
    title: str
    meaning: str  # what it is to the operator, in a sentence or two
    advice: str  # one sentence that tells the sender what to mend; "" where nothing is wrong
    reference: str  # RFC and section
