"""SMTP replies (RFC 5321 4.2): the upstream's, read within bounds, and our own."""

from __future__ import annotations

import re
from functools import lru_cache

import msgspec

from monitor.events import Speaker
from monitor.text import printable

MAX_LINES = 100
MAX_LINE = 2_048

_LINE = re.compile(rb"([2-5][0-9]{2})([ -]?)(.*)", re.DOTALL)


class ReplyError(Exception):
    """The upstream sent what is no SMTP reply, or too much of it."""


class Answer(msgspec.Struct, frozen=True):
    """One reply. ``lines`` are without code and separator; no CR, LF or control is in them."""

    code: int
    lines: tuple[bytes, ...]
    by: Speaker = "mxtap"
    took: float = 0.0  # seconds that the upstream let us wait

    @property
    def positive(self) -> bool:
        """True for 2xx."""
        return 200 <= self.code < 300

    @property
    def text(self) -> bytes:
        """The lines in one, for events and logs."""
        return b" ".join(self.lines)

    def wire(self) -> bytes:
        """The bytes that go to the client."""
        if len(self.lines) == 1:
            return b"%d %s\r\n" % (self.code, self.lines[0])
        last = len(self.lines) - 1
        return b"".join(
            b"%d%s%s\r\n" % (self.code, b" " if i == last else b"-", line)
            for i, line in enumerate(self.lines)
        )


def own(code: int, text: str) -> Answer:
    """A reply of mxtap's own, and it says so. ``text`` starts with the enhanced status code."""
    status, _, rest = text.partition(" ")
    line = f"{status} mxtap: {rest}" if rest else f"mxtap: {status}"
    return Answer(code, (clean(line.encode("utf-8", "replace")),))


def clean(line: bytes) -> bytes:
    """``line`` with every control byte shown as ``?``: a reply never carries an escape."""
    return line if line.isascii() and _plain(line) else _CONTROLS.sub(b"?", line)


_CONTROLS = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]|\xc2[\x80-\x9f]")


def _plain(line: bytes) -> bool:
    return line.decode("ascii").isprintable()


@lru_cache(maxsize=512)
def shown(line: bytes) -> str:
    """A reply's text for events; a server says the same again and again."""
    return printable(line)


@lru_cache(maxsize=512)
def _parsed(line: bytes) -> tuple[int, bool, bytes]:
    """The code, whether more lines follow, and the text. Raises ReplyError."""
    match = _LINE.fullmatch(line.removesuffix(b"\n").removesuffix(b"\r"))
    if match is None:
        raise ReplyError("not an SMTP reply")
    code, separator, text = int(match[1]), match[2], match[3]
    if separator == b"" and text:
        raise ReplyError("not an SMTP reply")
    return code, separator == b"-", clean(text)


@lru_cache(maxsize=512)
def _alone(line: bytes) -> Answer | None:
    """The reply that ``line`` is by itself; None where others follow. Raises ReplyError."""
    code, more, text = _parsed(line)
    return None if more else Answer(code, (text,), "upstream")


class ReplyParser:
    """Takes lines off a buffer until a reply is whole. Does no I/O."""

    def __init__(self) -> None:
        self._code = 0
        self._lines: list[bytes] = []

    def feed(self, buffer: bytearray) -> Answer | None:
        """Take complete lines from ``buffer``; the reply, or None for more bytes.

        Raises ReplyError; the connection cannot be used after that.
        """
        while (end := buffer.find(b"\n")) >= 0:
            if end > MAX_LINE:
                raise ReplyError("reply line too long")
            line = bytes(buffer[: end + 1])
            del buffer[: end + 1]
            if not self._lines and (answer := _alone(line)):
                return answer
            code, more, text = _parsed(line)
            if self._lines and code != self._code:
                raise ReplyError("reply code changed between lines")
            self._code = code
            self._lines.append(text)
            if not more:
                answer = Answer(code, tuple(self._lines), "upstream")
                self._lines = []
                return answer
            if len(self._lines) >= MAX_LINES:
                raise ReplyError("reply has too many lines")
        if len(buffer) > MAX_LINE:
            raise ReplyError("reply line too long")
        return None
