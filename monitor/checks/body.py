"""Reading a received message for the checks, and hashing large bodies beside the loop.

Everything is read in the loop's thread, a piece at a time: a source shares its file with
the relay, which goes on reading when a check is given up. Only bytes in memory go to the
thread. A thread is enough: it lets the interpreter go after every piece, so that the loop
waits a few milliseconds at most (``docs/performance.md``). Handing 25 MB to a process
would hold the loop for longer than that.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

from monitor.checks.case import Source
from monitor.findings.dkim.body import Digest, Hasher, Want
from monitor.findings.message import MAX_HEADER, body_offset

__all__ = ["INLINE", "BodyHashes", "head"]

INLINE = 256 * 1024  # bytes of body that are hashed at once in the loop
BATCH = 8  # pieces that go to the thread together
PAUSE = 50e-6  # seconds; without it the thread can take the interpreter back again and again


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
    """Hashes bodies for DKIM and ARC. Close it when the relay ends."""

    def __init__(self, threads: int = 1) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="body")

    async def digests(
        self, source: Source, offset: int, wants: Collection[Want]
    ) -> dict[Want, Digest]:
        """Every wanted hash of the body at ``offset``; without a body (-1) of an empty one."""
        if not wants:
            return {}
        hasher = Hasher(wants)
        body = _body(source, offset) if offset >= 0 else iter(())
        if source.size - offset <= INLINE:
            _add(hasher, body)
            return hasher.finish()
        loop = asyncio.get_running_loop()
        while batch := list(islice(body, BATCH)):
            await loop.run_in_executor(self._threads, _add_gently, hasher, batch)
        return hasher.finish()

    def close(self) -> None:
        """Let go of the threads; what still runs is short."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _body(source: Source, offset: int) -> Iterator[bytes]:
    for piece in source.pieces():
        if offset < len(piece):
            yield piece[offset:]
        offset = max(0, offset - len(piece))


def _add(hasher: Hasher, pieces: Iterable[bytes]) -> None:
    for piece in pieces:
        hasher.add(piece)


def _add_gently(hasher: Hasher, pieces: Iterable[bytes]) -> None:
    for piece in pieces:
        hasher.add(piece)
        time.sleep(PAUSE)
