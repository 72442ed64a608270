"""A filter's text in tokens, each with its place."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from monitor.filter.errors import FilterError
from monitor.filter.terms import TERMS

_KEY = re.compile(r"([A-Za-z]+)(<=|>=|[:=<>])")
_RUN = re.compile(r"[^\s()]+")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_ESCAPE = re.compile(r'\\(["\\])')

Kind = Literal["(", ")", "and", "or", "not", "word", "term"]
_KEYWORDS: dict[str, Kind] = {"and": "and", "or": "or", "not": "not"}


@dataclass(frozen=True, slots=True)
class Token:
    """One token. A word has a value; a term has a key and an operator before it."""

    kind: Kind
    start: int
    key: str = ""
    op: str = ""
    value: str = ""
    value_start: int = 0
    quoted: bool = False


def tokens(text: str) -> Iterator[Token]:
    """The tokens of ``text``. Raises FilterError."""
    for position, char in enumerate(text):
        if not (char.isprintable() or char.isspace()):
            raise FilterError("a character that cannot be shown", position)
    position = 0
    while position < len(text):
        char = text[position]
        if char.isspace():
            position += 1
        elif char in "()":
            yield Token("(" if char == "(" else ")", position)
            position += 1
        elif found := _KEY.match(text, position):
            key = _known(found[1].lower(), position)
            value, end, quoted = _value(text, found.end())
            if end == found.end():
                raise FilterError(f"{found[0]} needs a value", end)
            yield Token("term", position, key, found[2], value, found.end(), quoted)
            position = end
        else:
            value, end, quoted = _value(text, position)
            kind = "word" if quoted else _KEYWORDS.get(value.lower(), "word")
            yield Token(kind, position, value=value, value_start=position, quoted=quoted)
            position = end


def _known(key: str, position: int) -> str:
    if key in TERMS:
        return key
    near = difflib.get_close_matches(key, TERMS, 1)
    hint = f"did you mean {near[0]}?" if near else "put it in quotes to search for it as text"
    raise FilterError(f"{key} is not a term; {hint}", position)


def _value(text: str, start: int) -> tuple[str, int, bool]:
    """The value that begins at ``start``, where it ends, and whether it is quoted."""
    if text[start : start + 1] == '"':
        quoted = _QUOTED.match(text, start)
        if quoted is None:
            raise FilterError("the quote is not closed", start)
        return _ESCAPE.sub(r"\1", quoted[1]), quoted.end(), True
    run = _RUN.match(text, start)
    return (run[0], run.end(), False) if run else ("", start, False)
