"""Signs that tell without colour, in Unicode and in plain ASCII for terminals without it."""

from __future__ import annotations

import locale
from collections.abc import Mapping
from typing import NamedTuple

from monitor.events import Severity

__all__ = ["ASCII", "UNICODE", "Marks", "choose"]


class Marks(NamedTuple):
    """The signs in use. Each is one cell wide."""

    severity: dict[Severity | None, str]
    cursor: str
    marked: str
    up: str
    down: str
    unknown: str
    client: str
    server: str
    follow: str
    pause: str
    dot: str
    bar: str
    blocks: str  # from empty to full
    shades: str  # of what is plotted, none of them in a number or word
    rule: str
    attempt: str
    aside: str  # an attempt that is not counted
    expected: str
    ascending: str
    descending: str


UNICODE = Marks(
    severity={"good": "✓", "info": "·", "notice": "●", "warning": "▲", "error": "✖", None: " "},
    cursor="▌",
    marked="◆",
    up="●",
    down="✖",
    unknown="○",
    client="→",
    server="←",
    follow="▶",
    pause="‖",
    dot="·",
    bar="│",
    blocks=" ▁▂▃▄▅▆▇█",
    shades="░▒█",
    rule="─",
    attempt="●",
    aside="◌",
    expected="○",
    ascending="↑",
    descending="↓",
)

ASCII = Marks(
    severity={"good": "+", "info": "i", "notice": "N", "warning": "W", "error": "E", None: " "},
    cursor=">",
    marked="#",
    up="+",
    down="!",
    unknown="?",
    client=">",
    server="<",
    follow=">",
    pause="=",
    dot="-",
    bar="|",
    blocks=" .:-=+*#@",
    shades=":=#",
    rule="-",
    attempt="x",
    aside="o",
    expected="?",
    ascending="^",
    descending="v",
)

_POOR = ("dumb", "linux", "vt100", "vt102", "vt220", "ansi", "cons25")


def choose(environ: Mapping[str, str], encoding: str | None = None) -> Marks:
    """The signs that this terminal can show."""
    encoding = encoding or locale.getpreferredencoding(False)
    poor = environ.get("TERM", "") in _POOR
    return ASCII if poor or "utf" not in encoding.lower() else UNICODE
