"""One capture file being written: whole frames only, each useful when nothing follows."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path

import monitor
from monitor.capture.format import SUFFIX, CaptureError, Frame, Header, pack_index
from monitor.capture.rules import Rules
from monitor.capture.sheet import Sheet
from monitor.events import AnyEvent


class CaptureFile:
    """Writes frames to a new file; ``close`` adds the index. All of it may raise OSError.

    The file is readable by its owner alone: it holds mail.
    """

    def __init__(self, path: Path, header: Header) -> None:
        self.path = path
        self.size = 0
        self._frames: list[Frame] = []
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        self._file = open(os.open(path, flags, 0o600), "wb", buffering=0)  # noqa: SIM115
        first = Sheet()
        first.say(header)
        self.write(first)

    def write(self, sheet: Sheet) -> None:
        """Write one frame."""
        note, packed = sheet.packed()
        self._put(packed)
        self._frames.append(Frame(self.size - note.size, note))

    def close(self, *, index: bool = True) -> None:
        """Write the index, unless the disk is in trouble, and close the file."""
        try:
            if index:
                self._put(pack_index(self._frames))
        finally:
            self._file.close()

    def _put(self, octets: bytes) -> None:
        left = memoryview(octets)
        while left:
            left = left[self._file.write(left) :]
        self.size += len(octets)


def fresh_path(folder: Path, at: float) -> Path:
    """A name in ``folder`` that no file has, from the time ``at`` (UTC)."""
    stem = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(at))
    for number in range(1, 1_000):
        path = folder / (f"{stem}{SUFFIX}" if number == 1 else f"{stem}-{number}{SUFFIX}")
        if not path.exists():
            return path
    raise CaptureError(f"{folder} has no name left for a capture of {stem}")


def save(path: Path, events: Iterable[AnyEvent], *, relay: str = "", mode: str = "") -> int:
    """Write ``events`` to a new capture at ``path``; their number. Raises CaptureError."""
    count = 0
    try:
        file = CaptureFile(path, new_header(time.time(), relay, mode))
        sheet = Sheet()
        for event in events:
            sheet.add(event)
            count += 1
            if sheet.full:
                file.write(sheet)
                sheet = Sheet()
        if sheet:
            file.write(sheet)
        file.close()
    except FileExistsError:
        raise CaptureError(f"{path} exists already") from None
    except OSError as error:
        raise CaptureError(f"{path} cannot be written: {error.strerror}") from None
    return count


def new_header(created: float, relay: str, mode: str, rules: Rules | None = None) -> Header:
    """The header that this version writes."""
    software = f"mxtap {monitor.__version__}"
    return Header(created=created, relay=relay, mode=mode, software=software, rules=rules or {})
