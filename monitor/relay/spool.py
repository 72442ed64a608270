"""Received messages on their way: in memory while small, in a file past that, bounded in total."""

from __future__ import annotations

import contextlib
import errno
import io
import tempfile
from collections.abc import Iterator
from pathlib import Path

from monitor.relay.tally import SPOOL, OwnTally, Tally

PIECE = 65_536


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
        self._file: io.BytesIO | io.FileIO = io.BytesIO()
        self.size = 0

    def write(self, data: bytes) -> None:
        """Append. Raises SpoolFull where the budget or the disk is used up."""
        self._spool.take(len(data))
        self.size += len(data)
        try:
            if self.size > self._spool.memory and isinstance(self._file, io.BytesIO):
                held, self._file = self._file, _on_disk(self._spool.folder)
                self._append(held.getbuffer())
            self._append(memoryview(data))
        except OSError as error:
            raise SpoolFull from error

    def _append(self, data: memoryview) -> None:
        while data:  # a disk may take a part, and tell with the next that it is full
            data = data[self._file.write(data) :]

    def pieces(self) -> Iterator[bytes]:
        """The message from its start, in pieces of 64 KiB; none of it once it is closed.

        Raises OSError where a part of it is gone: half a message must not pass for a whole one.
        """
        offset = 0
        while offset < self.size:
            self._file.seek(offset)
            piece = self._file.read(PIECE)
            if not piece:
                raise OSError(errno.EIO, "the spool lost a part of the message")
            offset += len(piece)
            yield piece

    def close(self) -> None:
        """Let go of the message; may be called again."""
        self._spool.give_back(self.size)
        self.size = 0
        with contextlib.suppress(OSError):
            self._file.close()


def _on_disk(folder: Path | None) -> io.FileIO:
    """A file without a name, nor a buffer: a full disk is told at once, not at a later read."""
    return tempfile.TemporaryFile(buffering=0, dir=folder)
