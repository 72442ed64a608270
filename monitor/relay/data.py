"""The content of DATA (RFC 5321 4.5.2), parsed in chunks.

Only CRLF.CRLF ends it. A bare CR or LF is counted, and an end-of-data look-alike around one,
or with NULs in it, is kept as evidence: what another server might take for the end is how
mail is smuggled.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from io import IncrementalNewlineDecoder

from monitor.search import holds

END = b"\r\n.\r\n"
HEADER_LIMIT = 1024 * 1024
LINE_LIMIT = 998  # octets without CRLF (RFC 5322 2.1.1)

_LOOKALIKE = re.compile(rb"\.(?<=[\r\n]\.)[\r\n]")  # begins with what is rare
_EVIDENCE = 200  # octets kept of a look-alike and what follows it


@dataclass(slots=True)
class Facts:
    """What was noticed of a message while it came in. Sizes are octets."""

    size: int = 0
    longest_line: int = 0
    has_8bit: bool = False
    has_null: bool = False
    disguised: bool = False  # who drops NULs sees an end that is none
    bare_newlines: int = 0
    lookalike: bytes = b""
    dotted: bool = False  # a line begins with a dot
    header: bytearray = field(default_factory=bytearray)

    @property
    def plain(self) -> bool:
        """True where the content goes over the wire octet by octet as it is."""
        return not (self.dotted or self.bare_newlines)


class DataParser:
    """Finds the end, undoes the dot stuffing, and notes what is wrong with the lines."""

    def __init__(self) -> None:
        self.facts = Facts()
        self._tail = b"\r\n"  # as if a line had just ended, so that ".CRLF" ends an empty message
        self._skip = 2  # of those, which are not content
        self._past = b""  # the last octets before the tail, NULs dropped
        self._line = 0  # octets of the last, unfinished line
        self._in_header = True
        self._sha256 = hashlib.sha256()

    @property
    def sha256(self) -> str:
        """The hash of the content so far."""
        return self._sha256.hexdigest()

    @property
    def pending(self) -> int:
        """Octets of the line that has begun and not ended."""
        return self._line

    def feed(self, chunk: bytes) -> tuple[bytes, bytes | None]:
        """Take ``chunk``; give content without stuffing, and what follows the end, if reached."""
        data = self._tail + chunk
        dots = dotted(data)
        end = data.find(END) if dots and holds(data, END) else -1
        if end >= 0:
            region, rest = data[: end + 2], data[end + 5 :]
            self._tail = b""
        else:
            cut = len(data) - _held(data)
            region, self._tail, rest = data[:cut], data[cut:], None
        return (self._content(region, dots) if region else b""), rest

    def _content(self, region: bytes, dots: bool) -> bytes:
        self._inspect(region)
        content = region
        if dots:
            content = region.replace(b"\r\n.", b"\r\n")
            self.facts.dotted = self.facts.dotted or len(content) < len(region)
        if self._skip:
            skipped = min(self._skip, len(content))
            content = content[skipped:]
            self._skip -= skipped
        self.facts.size += len(content)
        self._sha256.update(content)
        if self._in_header:
            self._head(content)
        return content

    def _inspect(self, region: bytes) -> None:
        facts = self.facts
        text = region.decode("latin-1")  # which tells of 8-bit octets on the way
        facts.has_8bit = facts.has_8bit or not text.isascii()
        if not only_crlf(text):
            ends = region.count(b"\r") + region.count(b"\n")
            facts.bare_newlines += ends - 2 * region.count(b"\r\n")
        self._measure(region)
        if b"\0" in region:
            facts.has_null = True
            region = region.replace(b"\0", b"")
        if facts.bare_newlines or facts.has_null:
            self._look(region)
        self._past = (self._past + region[-len(END) :])[-len(END) :]

    def _look(self, region: bytes) -> None:
        facts, seen = self.facts, self._past + region
        facts.disguised = facts.disguised or END in seen
        if facts.lookalike:
            facts.lookalike += region[: max(0, _EVIDENCE - len(facts.lookalike))]
        elif match := _LOOKALIKE.search(seen):
            start = match.start() - (2 if seen.endswith(b"\r\n", 0, match.start()) else 1)
            facts.lookalike = seen[start : start + _EVIDENCE]

    def _measure(self, region: bytes) -> None:
        # Leaps from line end to line end, as far as a legal line allows: a few dozen
        # steps for 64 KiB where the lines are legal.
        longest, size, back = self.facts.longest_line, len(region), region.rfind
        limit = max(longest, LINE_LIMIT) + 2
        first = region.find(b"\n")
        if first < 0:
            self._line += size
            self.facts.longest_line = max(longest, self._line)
            return
        longest = max(longest, self._line + first - 1)
        start = first + 1
        while start < size:
            near = back(b"\n", start, start + limit)
            if near < 0:
                far = region.find(b"\n", start)
                if far < 0:
                    break
                longest, near = max(longest, far - 1 - start), far
                limit = max(limit, longest + 2)
            start = near + 1
        self._line = size - start
        self.facts.longest_line = max(longest, self._line)

    def _head(self, content: bytes) -> None:
        header = self.facts.header
        from_ = max(0, len(header) - 3)
        header += content[: HEADER_LIMIT - len(header)]
        blank = 0 if header.startswith(b"\r\n") else header.find(b"\r\n\r\n", from_)
        if blank >= 0:
            del header[blank + 2 if blank else 0 :]
            self._in_header = False
        elif len(header) >= HEADER_LIMIT:
            self._in_header = False


def _held(data: bytes) -> int:
    """How many bytes at the end may be the start of CRLF.CRLF, or of a stuffed dot."""
    for size in (4, 3, 2, 1):
        if data.endswith(END[:size]):
            return size
    return 0


def only_crlf(text: str) -> bool:
    """True where no CR stands without its LF, and no LF without its CR."""
    # One pass in C: to count the three takes four times as long.
    ends = IncrementalNewlineDecoder(None, translate=False)
    ends.decode(text, final=True)
    return ends.newlines in (None, "\r\n")


def dotted(octets: bytes) -> bool:
    """True where a dot follows a CRLF."""
    return b"." in octets and holds(octets, b"\r\n.")  # base64 has no dot at all


def stuffed(pieces: bytes, at_line_start: bool) -> bytes:
    """``pieces`` with each dot that starts a line doubled (RFC 5321 4.5.2)."""
    out = pieces.replace(b"\r\n.", b"\r\n..") if dotted(pieces) else pieces
    return b"." + out if at_line_start and out.startswith(b".") else out


def outgoing(pieces: Iterable[bytes], bare: bool = False) -> Iterator[bytes]:
    """A message as DATA carries it, without the final dot.

    Raises ValueError where it holds a bare CR or LF that ``bare`` does not allow: a fault of
    ours, as what came in was mended or refused.
    """
    line_start, held = True, b""
    for piece in pieces:
        # A CRLF that two pieces share is kept whole.
        data = held + piece
        held = b"\r" if data.endswith(b"\r") else b""
        if held:
            data = data[:-1]
        if not data:
            continue
        if not bare and not only_crlf(data.decode("latin-1")):
            raise ValueError("message holds a bare CR or LF")
        yield stuffed(data, line_start)
        line_start = data.endswith(b"\r\n")
    if held:
        yield held
