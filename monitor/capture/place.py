"""Places in a session, as an operator writes them."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from monitor.capture.reel import Reel

_PERCENT = re.compile(r"(\d{1,3}(?:\.\d+)?)%")
_OFFSET = re.compile(r"\+(\d{1,7}(?:\.\d+)?)([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


def place(text: str, reel: Reel) -> float:
    """``50%``, ``+90s`` from the start, or RFC 3339, as epoch seconds. Raises ValueError.

    A time without a zone is UTC; one without a date is of the session's first day.
    """
    if percent := _PERCENT.fullmatch(text):
        return reel.start + (reel.end - reel.start) * min(float(percent[1]), 100.0) / 100
    if offset := _OFFSET.fullmatch(text):
        return reel.start + float(offset[1]) * _SECONDS[offset[2]]
    first = datetime.fromtimestamp(reel.start, UTC).date().isoformat()
    for written in (text, f"{first}T{text}"):
        try:
            at = datetime.fromisoformat(written)
        except ValueError:
            continue
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    raise ValueError(f"{text!r} is no place: give a time (RFC 3339), +90s or 50%")
