"""A message's header section, read in linear time and within bounds.

The relay carries what it is given; this reader looks at no more than ``MAX_HEADER`` bytes
and ``MAX_FIELDS`` fields of it, and says when there was more.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
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
    "summary",
]

MAX_HEADER = 1024 * 1024  # bytes of header that are looked at
MAX_FIELDS = 1_000
REMEMBERED = 16 * 1024  # bytes of a header that is remembered for who asks next
MAX_SUMMARY = 4_096  # bytes of one field that a summary decodes
MAX_SHOWN = 500  # characters of one field that a summary gives

# RFC 5322 2.2 and 4.5: a name, WSP that obsolete syntax allows, a colon, folded lines.
_FIELD = re.compile(rb"^([!-9;-~]++)[ \t]*+:[^\n]*+(?:\n[ \t][^\n]*+)*+\n?+", re.MULTILINE)
_NAME = re.compile(rb"[!-9;-~]++")
_LF = 0x0A

# Names as most senders write them.
_USUAL = {
    name: name.lower()
    for name in (
        b"Received Return-Path Delivered-To DKIM-Signature ARC-Seal ARC-Message-Signature"
        b" ARC-Authentication-Results Authentication-Results Received-SPF From Sender Reply-To"
        b" To Cc Subject Date Message-ID Message-Id In-Reply-To References MIME-Version"
        b" Content-Type Content-Transfer-Encoding Content-Language User-Agent X-Mailer List-Id"
        b" List-Unsubscribe List-Unsubscribe-Post Auto-Submitted Precedence Feedback-ID"
    ).split()
}


class Field(msgspec.Struct, frozen=True, gc=False):
    """One header field. ``raw`` is all of it as it came: name, colon, folds, line end."""

    name: bytes  # lower case
    raw: bytes

    @property
    def text(self) -> bytes:
        """What follows the colon, unfolded, without the line end."""
        text = _unfolded(self.raw[self.raw.index(b":") + 1 :])
        if _LF in text:
            text = text.replace(b"\n ", b" ").replace(b"\n\t", b"\t")
        return text.removesuffix(b"\r\n" if text.endswith(b"\r\n") else b"\n")

    @property
    def value(self) -> bytes:
        """The text without white space around it."""
        return self.text.strip()


class Header:
    """The fields of a header section. ``clipped`` when there were more than the bounds allow.

    Most of what is asked of it are the texts of fields: see :attr:`Field.text`.
    """

    def __init__(self, section: bytes, texts: Mapping[bytes, list[bytes]], clipped: bool) -> None:
        """``texts`` are by name, in lower case, each from the top."""
        self._section = section
        self._texts = texts
        self.clipped = clipped

    def all(self, name: bytes) -> list[bytes]:
        """The text of every field of that name (lower case), from the top."""
        return self._texts.get(name, [])

    def has(self, names: Iterable[bytes]) -> bool:
        """True where a field has one of these names."""
        return not self._texts.keys().isdisjoint(names)

    def value(self, name: bytes) -> bytes:
        """The text of the first field of that name, stripped; empty when there is none."""
        found = self._texts.get(name)
        return found[0].strip() if found else b""

    @cached_property
    def fields(self) -> list[Field]:
        """The fields in their order, as they came."""
        count = sum(map(len, self._texts.values()))
        return [Field(m[1].lower(), m[0]) for m in islice(fields(self._section), count)]

    @cached_property
    def raw(self) -> dict[bytes, list[bytes]]:
        """The same by name; each beside its text in :meth:`all`."""
        found: dict[bytes, list[bytes]] = {}
        for each in self.fields:
            found.setdefault(each.name, []).append(each.raw)
        return found


def body_offset(message: bytes) -> int:
    """Where the body of ``message`` starts; -1 when its empty line is not in there.

    The empty line ends at CRLF; a bare LF counts too, so that a header cannot hide a
    field from us that an upstream sees.
    """
    if message.startswith(b"\r\n"):
        return 2
    if message.startswith(b"\n"):
        return 1
    empty = message.find(b"\n\r\n")
    bare = message.find(b"\n\n", 0, empty + 1) if empty >= 0 else message.find(b"\n\n")
    if bare >= 0:
        return bare + 2
    return empty + 3 if empty >= 0 else -1


def fields(section: bytes) -> Iterator[re.Match[bytes]]:
    """Every field of a header section: group 1 is its name, the match is all of it."""
    return _FIELD.finditer(section)


def scan(message: bytes, limit: int = MAX_FIELDS) -> Header:
    """The header of ``message`` (or of a header section by itself). Never raises.

    Lines that are no field are passed over; ``limit`` fields are looked at.
    """
    if message.startswith(b"\r\n"):
        return Header(b"", {}, False)
    end = message.find(b"\r\n\r\n")
    section = message[: end + 2] if end >= 0 else message
    if len(section) > REMEMBERED:
        return _scan(section, limit)
    return _scan_once(section, limit)


def _scan(section: bytes, limit: int) -> Header:
    looked_at = section[:MAX_HEADER]
    if (texts := _texts(looked_at, limit)) is not None:
        return Header(looked_at, texts, len(section) > MAX_HEADER)
    # With bare line ends in it, too long, or else unusual: one field after the other.
    end = body_offset(looked_at)
    looked_at = looked_at[:end] if end >= 0 else looked_at
    texts = {}
    for count, match in enumerate(fields(looked_at)):
        if count == limit:
            return Header(looked_at, texts, True)
        each = Field(match[1].lower(), match[0])
        texts.setdefault(each.name, []).append(each.text)
    return Header(looked_at, texts, end < 0 and len(section) > MAX_HEADER)


# Who tells of a message and who checks it scan the same header, one after the other.
_scan_once = lru_cache(8)(_scan)


def _texts(section: bytes, limit: int) -> dict[bytes, list[bytes]] | None:
    """The texts of a section by name, from one unfolding of all; None where that is not safe."""
    texts: dict[bytes, list[bytes]] = {}
    lines = _unfolded(section).split(b"\r\n", limit)
    if any(lines[limit:]):
        return None
    for line in lines:
        if _LF in line:
            return None
        head, colon, text = line.partition(b":")
        name = _USUAL.get(head) if colon else b""
        if name is None:
            if head.endswith((b" ", b"\t")):  # which may have been a fold
                return None
            name = head.lower() if _NAME.fullmatch(head) else b""
        if name in texts:
            texts[name].append(text)
        elif name:
            texts[name] = [text]
    return texts


def _unfolded(octets: bytes) -> bytes:
    return octets.replace(b"\r\n ", b" ").replace(b"\r\n\t", b"\t")


def summary(header: bytes) -> tuple[str, str, str]:
    """From, Subject and Message-ID of a header section as printable text, clipped."""
    found = scan(header)
    return (
        _shown(found.all(b"from")),
        _shown(found.all(b"subject")),
        _shown(found.all(b"message-id")),
    )


def _shown(texts: Sequence[bytes]) -> str:
    """The first of ``texts``, decoded."""
    if not texts:
        return ""
    return printable(decode_words(texts[0][:MAX_SUMMARY].strip()).strip(), MAX_SHOWN)
