"""What may be typed next."""

from __future__ import annotations

import re
from collections.abc import Iterable

from monitor.filter.saved import SAVED
from monitor.filter.terms import TERMS
from monitor.findings.catalogue import CATALOGUE

_BREAK = re.compile(r"[\s()]")
_TERM = re.compile(r"([a-z]+)(<=|>=|[:=<>])(.*)")
_RESULTS = ("spf", "dkim", "dmarc", "arc")
_KEYWORDS = ("and", "or", "not")


def complete(text: str, cursor: int, saved: Iterable[str] = ()) -> list[str]:
    """What may stand in place of the word that ends at ``cursor``, best first.

    ``saved`` are the names of filters. Put one in place with :func:`replace`.
    """
    word = _word(text, cursor).lower()
    if begun_term := _TERM.fullmatch(word):
        key, op, begun = begun_term.groups()
        values = saved if key == SAVED else _values(key)
        choices = [c for c in values if c.lower().startswith(begun) and c.lower() != begun]
        return [f"{key}{op}{choice}" for choice in choices]
    names = [name + term.lead for name, term in TERMS.items()]
    if saved:
        names.append(f"{SAVED}:")
    return [c for c in (*names, *_KEYWORDS) if c.startswith(word) and c != word]


def replace(text: str, cursor: int, choice: str) -> tuple[str, int]:
    """``text`` with ``choice`` in place of the word at ``cursor``, and the cursor behind it."""
    start = cursor - len(_word(text, cursor))
    return text[:start] + choice + text[cursor:], start + len(choice)


def _word(text: str, cursor: int) -> str:
    return _BREAK.split(text[:cursor])[-1]


def _values(key: str) -> list[str]:
    if key == "finding":
        families = dict.fromkeys(code.partition(".")[0] + ".*" for code in CATALOGUE)
        return [*families, *CATALOGUE]
    if key in _RESULTS:
        return [c.partition(".")[2] for c in CATALOGUE if c.startswith(key + ".")]
    return list(TERMS[key].choices) if key in TERMS else []
