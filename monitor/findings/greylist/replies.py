"""Greylisting told by a reply: whose wording it is, and how long is left."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

MAX_REPLY = 1_000  # characters that are looked at

# Wordings as shipped. Servers that greylist without a word of their own (rspamd, Postfix's
# sample policy, postscreen) are recognised by the whole text, so that no other 4xx is.
_SIGNS: tuple[tuple[str, str], ...] = (
    ("postgrey", r"\bgr[ea]ylisted, (?:see|try again in)\b"),
    ("milter-greylist", r"\bgr[ea]ylisting in action\b"),
    ("rspamd", r"(?:4\.7\.1 )?try again later\.?"),
    ("postscreen", r"4\.3\.2 service currently unavailable"),
    ("postfix-policy", r"4\.\d\.\d <[^>]*>: recipient address rejected: service is unavailable"),
    ("exchange", r"4\.7\.(?:5\d\d|6\d\d)\b.*(?:server busy|try again later).*"),
    ("spamd", r"(?:4\.\d\.\d )?temporary failure, please try again later\.?"),
    ("exim", r"(?:4\.\d\.\d )?(?:deferred|defer): gr[ea]ylist\w*.*"),
    ("greylist", r"\bgr[ea]y[- ]?list(?:ed|ing)?\b"),
)
_WHOLE = frozenset(("rspamd", "postscreen", "postfix-policy", "exchange", "spamd", "exim"))
_COMPILED = tuple((name, re.compile(sign, re.IGNORECASE)) for name, sign in _SIGNS)

_CLOCK = re.compile(r"\b(\d{1,3}):([0-5]\d):([0-5]\d)\b")
_SPAN = re.compile(r"\b(\d{1,7})\s*(s|secs?|seconds?|m|mins?|minutes?|h|hours?)\b", re.IGNORECASE)
_UNITS = {"s": 1, "m": 60, "h": 3_600}


Patterns = Sequence[re.Pattern[str]]


def compiled(patterns: Sequence[str]) -> Patterns:
    """The operator's own patterns, ready for use. Raises re.error."""
    return [re.compile(pattern, re.IGNORECASE) for pattern in patterns]


class Told(NamedTuple):
    """A reply that greylists. ``left`` is seconds, None where the reply does not say."""

    by: str
    left: float | None


def recognise(code: int, text: str, patterns: Patterns = ()) -> Told | None:
    """What a 4xx reply tells of greylisting; None for any other reply.

    ``patterns`` are the operator's own, and go first.
    """
    if not 400 <= code < 500:
        return None
    text = text[:MAX_REPLY].strip()
    if any(pattern.search(text) for pattern in patterns):
        return Told("configured", left(text))
    for name, sign in _COMPILED:
        if sign.fullmatch(text) if name in _WHOLE else sign.search(text):
            return Told(name, left(text))
    return None


def left(text: str) -> float | None:
    """The seconds that a reply asks to wait."""
    if clock := _CLOCK.search(text):
        hours, minutes, seconds = map(int, clock.groups())
        return float(hours * 3_600 + minutes * 60 + seconds)
    if span := _SPAN.search(text):
        return float(int(span[1]) * _UNITS[span[2][0].lower()])
    return None
