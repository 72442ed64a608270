"""The checks as text for a terminal or a file."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterator, Sequence
from itertools import groupby

from monitor.doctor.check import STATES, Check, State, worst

__all__ = ["lines"]

_COLOURS: dict[State, str] = {
    "ok": "32",
    "skipped": "2",
    "notice": "36",
    "warning": "33",
    "error": "1;31",
}
_SIGNS: dict[State, str] = {state: "ok" if state == "ok" else state.upper() for state in STATES}
_MARGIN = 2 + max(map(len, _SIGNS.values())) + 2


def lines(checks: Sequence[Check], *, colour: bool, width: int = 0) -> Iterator[str]:
    """A block for each subject, its checks aligned, the mend below; then what it comes to."""
    width = max(60, width or shutil.get_terminal_size((100, 24)).columns)
    room = max((len(check.name) for check in checks), default=0) + 2
    indent = " " * (_MARGIN + room)
    for about, group in groupby(checks, key=lambda check: check.about):
        yield about
        for check in group:
            sign = f"{_SIGNS[check.state]:<{_MARGIN - 2}}"
            told = _wrapped(check.seen, width - len(indent)) or [""]
            yield f"  {_painted(sign, check.state, colour)}{check.name:<{room}}{told[0]}"
            yield from (indent + line for line in told[1:])
            mend = _wrapped(check.mend, width - len(indent) - 2)
            yield from (f"{indent}{'→' if not at else ' '} {line}" for at, line in enumerate(mend))
        yield ""
    yield _sum(checks, colour)


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, break_on_hyphens=False, break_long_words=False)


def _sum(checks: Sequence[Check], colour: bool) -> str:
    counts = [
        (sum(check.state == state for check in checks), state)
        for state in ("error", "warning", "notice")
    ]
    told = ", ".join(
        f"{count} {state}{'s' if count > 1 else ''}" for count, state in counts if count
    )
    return _painted(told or "all is well", worst(checks), colour)


def _painted(text: str, state: State, colour: bool) -> str:
    return f"\x1b[{_COLOURS[state]}m{text}\x1b[0m" if colour else text
