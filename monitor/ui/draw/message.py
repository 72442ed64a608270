"""The message of a transaction: its header fields, or its octets."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rich.text import Text

from monitor.capture.export import Message
from monitor.ui.cells import safe
from monitor.ui.look import Look

__all__ = ["draw_header", "draw_octets"]

_MAX_FIELDS = 2_000  # lines
_MAX_OCTETS = 32_768
_FIELD = re.compile(rb"([!-9;-~]+[ \t]*:)(.*)", re.DOTALL)  # RFC 5322 2.2
_NONE = "There is no message: DATA was not reached, or the session is no longer kept."


def draw_header(message: Message | None, look: Look) -> list[Text]:
    """The header, a line of it a paragraph."""
    if message is None:
        return [Text(_NONE, look.palette.muted)]
    end = re.search(rb"\r\n\r\n|\n\n", message.octets)
    lines = message.octets[: end.start() if end else None].splitlines()[:_MAX_FIELDS]
    return [_field(line, look) for line in lines]


def _field(line: bytes, look: Look) -> Text:
    found = _FIELD.fullmatch(line)
    if found is None:  # a field goes on
        return Text(safe(line), look.palette.text)
    return Text.assemble((safe(found[1]), look.palette.accent), (safe(found[2]), look.palette.text))


def draw_octets(message: Message | None, look: Look) -> list[Text]:
    """The octets in hex and as ASCII, sixteen a line."""
    if message is None:
        return [Text(_NONE, look.palette.muted)]
    lines = [] if message.whole else [Text("The header; its body is not kept.", look.palette.muted)]
    lines.extend(_dump(message.octets[:_MAX_OCTETS], look))
    if (rest := len(message.octets) - _MAX_OCTETS) > 0:
        lines.append(Text(f"… and {rest:,} octets more", look.palette.muted))
    return lines


def _dump(octets: bytes, look: Look) -> Iterator[Text]:
    for at in range(0, len(octets), 16):
        some = octets[at : at + 16]
        plain = "".join(chr(octet) if 32 <= octet < 127 else "." for octet in some)
        yield Text.assemble(
            (f"{at:06x}  ", look.palette.muted),
            (f"{some.hex(' '):<47}  ", look.palette.text),
            (plain, look.palette.client),
            no_wrap=True,
        )
