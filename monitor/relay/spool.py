"""Received messages on their way: in memory while small, in a file past that, bounded in total."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from monitor.relay.tally import SPOOL, OwnTally, Tally

PIECE = 256 * 1024  # octets that are read at a time
JOINED = 64 * 1024  # octets of small pieces that are kept as one


class SpoolFull(Exception):
    """The total bound of the spool is reached, or the disk is."""


class Spool:
    """The budget that all messages in hand share. Sizes are bytes."""

    def __init__(
        self, total: int, memory: int, folder: Path | None = None, tally: Tally | None = None
    ) -> None:
        self.total = total
        self.memory = memory
        self.folder = folder
        self._tally = tally or OwnTally()

    @property
    def used(self) -> int:
        """Bytes in hand."""
        return self._tally.count(SPOOL)

    def message(self) -> SpooledMessage:
        """A new, empty message."""
        return SpooledMessage(self)

    def take(self, size: int) -> None:
        """Reserve ``size`` bytes. Raises SpoolFull."""
        if self.used + size > self.total:
            raise SpoolFull
        self._tally.add(SPOOL, size)

    def give_back(self, size: int) -> None:
        """Let ``size`` bytes go."""
        self._tally.add(SPOOL, -size)


class SpooledMessage:
    """One message: CRLF lines, the dot stuffing undone. Close it to give its room back."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._held: list[bytes] = []  # in memory: all of it, or nothing once there is a file
        self._file: io.FileIO | None = None
        self.size = 0

    def write(self, data: bytes) -> None:
        """Append. Raises SpoolFull where the budget or the disk is used up."""
        self._spool.take(len(data))
        self.size += len(data)
        try:
            if self.size <= self._spool.memory:
                self._hold(data)
            else:
                self._store(data)
        except OSError as error:
            raise SpoolFull from error

    def _hold(self, data: bytes) -> None:
        # What comes in small pieces would take many times its size.
        if self._held and len(self._held[-1]) + len(data) <= JOINED:
            self._held[-1] += data
        else:
            self._held.append(data)

    def _store(self, data: bytes) -> None:
        if self._file is None:
            # Without a buffer, for a full disk to be told now, not when the message is read.
            self._file = tempfile.TemporaryFile(  # noqa: SIM115
                buffering=0, dir=self._spool.folder
            )
            data = b"".join((*self._held, data))
            self._held.clear()
        rest = memoryview(data)
        while rest:  # a disk may take a part, and tell with the next that it is full
            rest = rest[self._file.write(rest) :]

    def pieces(self) -> Iterator[bytes]:
        """The message from its start, in pieces of at most 256 KiB; none of it once it is closed.

        Raises OSError where a part of it is gone: half a message must not pass for a whole one.
        """
        if self._file is None:
            yield from self._held
            return
        offset = 0
        while offset < self.size:
            piece = os.pread(self._file.fileno(), PIECE, offset)
            if not piece:
                raise OSError(errno.EIO, "the spool lost a part of the message")
            offset += len(piece)
            yield piece

    def close(self) -> None:
        """Let go of the message; may be called again."""
        self._spool.give_back(self.size)
        self.size = 0
        self._held.clear()
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.close()
