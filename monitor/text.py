"""Bytes from the network become text here, and nowhere else.

What a client, an upstream or a DNS server sent may hold terminal escapes, bidi controls
or invalid UTF-8. :func:`printable` makes text that is safe on a terminal, in a log and in
JSON. :func:`escape` does the same so that :func:`unescape` gives the exact bytes back.
"""

from __future__ import annotations

import re

__all__ = ["clip", "escape", "printable", "unescape"]

_PLAIN = bytes(range(0x20, 0x7F))  # printable ASCII
_NOT_PLAIN = re.compile(r"[^ -~]")  # all but printable ASCII is looked at one by one
_ESCAPED = re.compile(r"\\(?:\\|x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8}))")


def _visible(char: str) -> str:
    """The visible escape of one character; a surrogate stands for an undecodable byte."""
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _safe(text: str) -> str:
    # str.isprintable is false for just what must not pass: Cc, Cf (bidi, zero-width), Cs,
    # Co, Cn, Zl, Zp and every space but the plain one.
    if text.isprintable():
        return text
    # What every header and many a line has goes first: most have nothing else to look at.
    text = text.replace("\r", "\\x0d").replace("\n", "\\x0a").replace("\t", "\\x09")
    if text.isprintable():
        return text
    return _NOT_PLAIN.sub(lambda match: _shown(match[0]), text)


def _shown(char: str) -> str:
    return char if char.isprintable() else _visible(char)


def printable(raw: bytes | str, limit: int = 0) -> str:
    """``raw`` as text that is safe to show; at most ``limit`` characters when given."""
    text = raw if isinstance(raw, str) else raw.decode("utf-8", "surrogateescape")
    if limit and len(text) > limit:
        text = text[: limit - 1] + "…"
    return _safe(text)


def escape(raw: bytes) -> str:
    """``raw`` as safe text from which :func:`unescape` restores every byte."""
    raw = raw.replace(b"\\", b"\\\\")
    # What every header has is done by bytes methods: most have nothing else to look at.
    raw = raw.replace(b"\r\n", b"\\x0d\\x0a").replace(b"\t", b"\\x09")
    if not raw.translate(None, _PLAIN):
        return raw.decode("ascii")
    return _safe(raw.decode("utf-8", "surrogateescape"))


def unescape(text: str) -> bytes:
    """The bytes that :func:`escape` was given."""

    def restore(match: re.Match[str]) -> str:
        byte, short, long = match.groups()
        if byte:
            code = int(byte, 16)
            return chr(code if code < 0x80 else 0xDC00 + code)
        if short or long:
            return chr(int(short or long, 16))
        return "\\"

    return _ESCAPED.sub(restore, text).encode("utf-8", "surrogateescape")


def clip(text: str, width: int) -> str:
    """``text`` cut to ``width`` characters, the cut marked with an ellipsis."""
    return text if len(text) <= width else text[: max(0, width - 1)] + "…"
