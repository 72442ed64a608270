"""Reading a received message for the checks, and hashing its body a piece at a time.

Not in a thread: canonicalising holds the interpreter lock, so that the loop would wait for it
all the same, and passing it to and fro costs as much as a tenth of the work.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator

from monitor.checks.case import Source
from monitor.findings.dkim.body import Digest, Hasher, Want
from monitor.findings.message import MAX_HEADER, body_offset

__all__ = ["BodyHashes", "head"]


def head(source: Source) -> tuple[bytes, int]:
    """The header section of a message and where its body starts.

    The offset is -1 where the header does not end within ``MAX_HEADER`` bytes, or at all.
    """
    read = b""
    for piece in source.pieces():
        read += piece
        offset = body_offset(read)
        if offset >= 0:
            return read[:offset], offset
        if len(read) > MAX_HEADER:
            break
    return read, -1


class BodyHashes:
    """Hashes bodies for DKIM and ARC: of all that are large, one piece in a turn of the loop."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()

    async def digests(
        self, source: Source, offset: int, wants: Collection[Want]
    ) -> dict[Want, Digest]:
        """Every wanted hash of the body at ``offset``; without a body (-1) of an empty one."""
        if not wants:
            return {}
        hasher = Hasher(wants)
        body = _body(source, offset) if offset >= 0 else iter(())
        for number, piece in enumerate(body):
            if number:
                async with self._turn:
                    await asyncio.sleep(0)
            hasher.add(piece)
        return hasher.finish()


def _body(source: Source, offset: int) -> Iterator[bytes]:
    for piece in source.pieces():
        if offset < len(piece):
            yield piece[offset:]
        offset = max(0, offset - len(piece))
