"""Filters that have a name: ``saved:NAME`` stands for one of them while a filter is typed."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping

from monitor.filter.errors import FilterError
from monitor.filter.parser import parse

__all__ = ["SAVED", "expand", "is_name"]

SAVED = "saved"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}")
_TERM = re.compile(rf'"(?:[^"\\]|\\.)*"|(?<![^\s()]){SAVED}:([^\s()]*)', re.DOTALL)


def is_name(text: str) -> bool:
    """True for what a filter may be called: 1 to 32 letters, digits and ``_ . -``, all ASCII."""
    return _NAME.fullmatch(text) is not None


def expand(text: str, saved: Mapping[str, str]) -> str:
    """``text`` with filters in place of their names. Raises FilterError, at its place there."""
    if f"{SAVED}:" not in text:
        return text
    parse(_TERM.sub(_placeholder, text))

    def filter_of(found: re.Match[str]) -> str:
        name = found[1]
        if name is None:
            return found[0]
        if name not in saved:
            near = difflib.get_close_matches(name, saved, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise FilterError(f"no filter is saved under this name{hint}", found.start(1))
        try:
            parse(saved[name])
        except FilterError as error:
            raise FilterError(f"the filter {name}: {error.message}", found.start(1)) from None
        return f"({saved[name]})"

    return _TERM.sub(filter_of, text)


def _placeholder(found: re.Match[str]) -> str:
    """As long as what it stands for, so that errors behind it keep their place."""
    return found[0] if found[1] is None else f'"{"x" * (len(found[0]) - 2)}"'
