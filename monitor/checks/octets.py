"""A message that is in memory, as a source for the checks."""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["Octets", "crlf"]

PIECE = 64 * 1024

_NEWLINE = re.compile(rb"\r\n|\r|\n")


class Octets:
    """A message of CRLF lines in memory."""

    def __init__(self, message: bytes) -> None:
        self.size = len(message)
        self._message = message

    def pieces(self) -> Iterator[bytes]:
        """The message, in pieces of at most 64 KiB."""
        for start in range(0, self.size, PIECE):
            yield self._message[start : start + PIECE]


def crlf(text: bytes) -> bytes:
    """``text`` with every line end, of whatever kind, as CRLF: as it went over the wire."""
    return _NEWLINE.sub(b"\r\n", text)
