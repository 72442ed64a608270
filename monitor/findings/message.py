"""A message's header section, read in linear time and within bounds.

The relay carries what it is given; this reader looks at no more than ``MAX_HEADER`` bytes
and ``MAX_FIELDS`` fields of it, and says when there was more.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice

import msgspec

from monitor.findings.words import decode_words
from monitor.text import printable

__all__ = [
    "MAX_FIELDS",
    "MAX_HEADER",
    "Field",
    "Header",
    "body_offset",
    "fields",
    "scan",
    "scan_section",
    "summary",
]

MAX_HEADER = 1024 * 1024  # bytes of header that are looked at
MAX_FIELDS = 1_000
MAX_SUMMARY = 4_096  # bytes of one field that a summary decodes
MAX_SHOWN = 500  # characters of one field that a summary gives

# RFC 5322 2.2 and 4.5: a name, WSP that obsolete syntax allows, a colon, folded lines.
_FIELD = re.compile(rb"^([!-9;-~]++)[ \t]*+:[^\n]*+(?:\n[ \t][^\n]*+)*+\n?+", re.MULTILINE)
_EMPTY_LINE = re.compile(rb"\n\r?\n")
_FOLD = re.compile(rb"\r?\n(?=[ \t])")


class Field(msgspec.Struct, frozen=True, gc=False):
    """One header field. ``raw`` is all of it as it came: name, colon, folds, line end."""

    name: bytes  # lower case
    raw: bytes

    @property
    def value(self) -> bytes:
        """What follows the colon, unfolded, without white space around it."""
        return _FOLD.sub(b"", self.raw[self.raw.index(b":") + 1 :]).strip()


class Header:
    """The fields in their order. ``clipped`` when there were more than the bounds allow."""

    def __init__(self, fields: Sequence[Field], clipped: bool = False) -> None:
        self.fields = fields
        self.clipped = clipped
        self._by_name: dict[bytes, list[Field]] = {}
        for each in fields:
            self._by_name.setdefault(each.name, []).append(each)

    def all(self, name: bytes) -> list[Field]:
        """Every field of that name (lower case), from the top."""
        return self._by_name.get(name, [])

    def value(self, name: bytes) -> bytes:
        """The value of the first field of that name; empty when there is none."""
        found = self._by_name.get(name)
        return found[0].value if found else b""


def body_offset(message: bytes) -> int:
    """Where the body of ``message`` starts; -1 when its empty line is not in there.

    The empty line ends at CRLF; a bare LF counts too, so that a header cannot hide a
    field from us that an upstream sees.
    """
    if message.startswith(b"\r\n"):
        return 2
    if message.startswith(b"\n"):
        return 1
    empty = _EMPTY_LINE.search(message)
    return empty.end() if empty else -1


def fields(section: bytes) -> Iterator[re.Match[bytes]]:
    """Every field of a header section: group 1 is its name, the match is all of it."""
    return _FIELD.finditer(section)


def scan(message: bytes, limit: int = MAX_FIELDS) -> Header:
    """The header of ``message`` (or of a header section by itself). Never raises.

    Lines that are no field are passed over; ``limit`` fields are looked at.
    """
    end = body_offset(message)
    return scan_section(message[:end] if end >= 0 else message, limit)


def scan_section(section: bytes, limit: int = MAX_FIELDS) -> Header:
    """As :func:`scan`, where ``section`` is known to hold nothing but a header."""
    within = fields(section[:MAX_HEADER])
    found = [Field(match[1].lower(), match[0]) for match in islice(within, limit + 1)]
    return Header(found[:limit], len(section) > MAX_HEADER or len(found) > limit)


def summary(header: bytes) -> tuple[str, str, str]:
    """From, Subject and Message-ID of a header section as printable text, clipped."""
    end = body_offset(header)
    section = header[: min(end, MAX_HEADER) if end >= 0 else MAX_HEADER]
    lowered = b"\n" + section.lower()
    return (
        _shown(section, lowered, b"\nfrom"),
        _shown(section, lowered, b"\nsubject"),
        _shown(section, lowered, b"\nmessage-id"),
    )


def _shown(section: bytes, lowered: bytes, name: bytes) -> str:
    """The first field that starts with ``name``, decoded; bytes.find beats a regex here."""
    at = -1
    for _ in range(MAX_FIELDS):
        at = lowered.find(name, at + 1)
        if at < 0:
            break
        match = _FIELD.match(section, at, at + MAX_SUMMARY)
        if match and len(match[1]) == len(name) - 1:
            raw = match[0]
            value = raw[raw.index(b":") + 1 :].strip()
            return printable(decode_words(value).strip(), MAX_SHOWN)
    return ""
