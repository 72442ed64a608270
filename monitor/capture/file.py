"""One capture file being written: whole frames only, each useful when nothing follows."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType

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


class Saving:
    """A new capture at ``path``, an event at a time. Inside ``with`` it may raise CaptureError.

    It is never over another file, and what fails or is given up leaves none.
    """

    def __init__(self, path: Path, header: Header) -> None:
        self._path = path
        self._sheet = Sheet()
        with _told(path):
            self._file = CaptureFile(path, header)

    def add(self, event: AnyEvent) -> None:
        """Write one event, soon."""
        self._sheet.add(event)
        if self._sheet.full:
            self._flush()

    def _flush(self) -> None:
        sheet, self._sheet = self._sheet, Sheet()
        if sheet:
            with _told(self._path):
                self._file.write(sheet)

    def __enter__(self) -> Saving:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        whole = False
        try:
            if error is None:
                self._flush()
                with _told(self._path):
                    self._file.close()
                whole = True
        finally:
            if not whole:
                with suppress(OSError):
                    self._file.close(index=False)
                self._path.unlink(missing_ok=True)


def save(path: Path, events: Iterable[AnyEvent], *, relay: str = "", mode: str = "") -> int:
    """Write ``events`` to a new capture at ``path``; their number. Raises CaptureError."""
    count = 0
    with Saving(path, new_header(time.time(), relay, mode)) as saving:
        for event in events:
            saving.add(event)
            count += 1
    return count


def save_message(path: Path, octets: bytes) -> None:
    """Write a message to a new file of its owner's alone. Raises CaptureError."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    with _told(path):
        opened = os.open(path, flags, 0o600)
        try:
            with open(opened, "wb") as file:
                file.write(octets)
        except OSError:
            path.unlink(missing_ok=True)
            raise


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Trouble with ``path`` as a sentence."""
    try:
        yield
    except FileExistsError:
        raise CaptureError(f"{path} exists already") from None
    except OSError as error:
        raise CaptureError(f"{path} cannot be written: {error.strerror}") from None
    except ValueError as error:  # a NUL in it
        raise CaptureError(f"no such name can be: {error}") from None


def new_header(created: float, relay: str, mode: str, rules: Rules | None = None) -> Header:
    """The header that this version writes."""
    software = f"mxtap {monitor.__version__}"
    return Header(created=created, relay=relay, mode=mode, software=software, rules=rules or {})
