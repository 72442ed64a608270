"""The commit journal: which messages were on their way upstream when we died.

A line is written before a message's content goes upstream and after its reply is known.
What has a start and no end when a relay starts was cut off in between: the upstream may or
may not have it, and the client heard no 2xx, so it will come again.
"""

from __future__ import annotations

import contextlib
import logging
import os
from pathlib import Path

from monitor import events as ev
from monitor.findings.catalogue import finding

log = logging.getLogger(__name__)


def cut_off(transaction: str, at: float, why: str) -> ev.Found:
    """The event that tells of a message that was on its way when whoever sent it ended."""
    session = transaction.rpartition("-")[0]
    found = finding("relay.commit-unknown", why)
    return ev.Found(session=session, at=at, about=transaction, findings=(found,))


class Journal:
    """An append-only file. Trouble with it is logged and never stops mail."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None
        self._open = 0  # commits that have begun and not ended

    def unsettled(self) -> list[str]:
        """Transactions that began and did not end, from before :meth:`begin_anew`."""
        begun: dict[str, None] = {}
        with contextlib.suppress(OSError):
            for line in self._path.read_text("ascii", "replace").splitlines():
                word, _, transaction = line.partition(" ")
                if word == "start":
                    begun[transaction] = None
                else:
                    begun.pop(transaction, None)
        return list(begun)

    def begin_anew(self) -> None:
        """Start an empty journal."""
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND
            self._file = os.open(self._path, flags, 0o600)
        except OSError as error:
            log.warning("commit journal %s: %s", self._path, error.strerror)

    def start(self, transaction: str) -> None:
        """A commit begins."""
        self._open += 1
        self._write(f"start {transaction}\n")

    def end(self, transaction: str) -> None:
        """A commit ended, in whatever way; now its outcome is known or told as unknown."""
        self._open -= 1
        if self._open == 0 and self._file is not None:
            try:
                os.ftruncate(self._file, 0)  # all that began has ended
            except OSError:
                pass
            else:
                return
        self._write(f"end {transaction}\n")

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _write(self, line: str) -> None:
        if self._file is None:
            return
        try:
            os.write(self._file, line.encode("ascii"))
        except OSError as error:
            log.warning("commit journal %s: %s", self._path, error.strerror)
