"""Spans of time as operators type and read them."""

from __future__ import annotations

import re

__all__ = ["ago", "parse_lifetime"]

_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 7 * 86_400}
_SPAN = re.compile(r"(\d{1,6})\s*([smhdw])")


def parse_lifetime(text: str) -> float | None:
    """Seconds of ``2h``, ``30m`` or ``1d 12h``; None for an empty text or ``for good``.

    Raises ValueError.
    """
    text = text.strip().lower()
    if text in ("", "for good", "forever"):
        return None
    if not re.fullmatch(rf"({_SPAN.pattern}\s*)+", text):
        raise ValueError('how long: a span like 2h, 30m or 7d, or "for good"')
    seconds = sum(int(count) * _UNITS[unit] for count, unit in _SPAN.findall(text))
    if not seconds:
        raise ValueError("how long: longer than nothing")
    return float(seconds)


def ago(seconds: float) -> str:
    """A span in its largest unit: ``8s``, ``12m``, ``3h``, ``2d``."""
    whole = max(0, int(seconds))
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if whole >= 2 * size or (whole >= size and not whole % size):
            return f"{whole // size}{unit}"
    return f"{whole}s"
