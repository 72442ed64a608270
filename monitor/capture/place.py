"""A place in a replay, as an operator writes it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo

from monitor.capture.reel import Reel

_PERCENT = re.compile(r"(\d{1,3}(?:\.\d+)?)%")
_OFFSET = re.compile(r"\+(\d{1,7}(?:\.\d+)?)([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_DAY = timedelta(days=1)
_SLACK = 60.0  # seconds that a time on the first day may lie before its start


def place(text: str, reel: Reel, zone: tzinfo | None = UTC) -> float:
    """``50%``, ``+90s`` from the start, or RFC 3339, as epoch seconds. Raises ValueError.

    A time without a zone is of ``zone`` (None for this machine's); one without a date is of
    the session's first day, or of its second where that is the one it was reached on.
    """
    if percent := _PERCENT.fullmatch(text):
        return reel.start + (reel.end - reel.start) * min(float(percent[1]), 100.0) / 100
    if offset := _OFFSET.fullmatch(text):
        return reel.start + float(offset[1]) * _SECONDS[offset[2]]
    first = datetime.fromtimestamp(reel.start, zone).date()
    if (at := _time(text, zone)) is not None:
        return at
    today, tomorrow = (_time(f"{day}T{text}", zone) for day in (first, first + _DAY))
    if today is None or tomorrow is None:
        raise ValueError(f"{text!r} is no place: give a time (RFC 3339), +90s or 50%")
    return tomorrow if today < reel.start - _SLACK and tomorrow <= reel.end else today


def _time(text: str, zone: tzinfo | None) -> float | None:
    """RFC 3339 as epoch seconds."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (at if at.tzinfo else at.replace(tzinfo=zone)).timestamp()
