"""Reading a capture: at any frame, bounded, and as far as a damaged file goes."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType

import msgspec

from monitor.capture.format import (
    MAX_RAW,
    VERSION,
    ZSTD_MAGIC,
    CaptureError,
    Frame,
    Gap,
    Header,
    unpack,
)
from monitor.capture.migrations import decoder
from monitor.capture.safe import safe
from monitor.capture.walk import by_index, by_notes, is_capture
from monitor.events import AnyEvent

MAX_PROBLEMS = 100


class Capture:
    """An open capture file. ``problems`` tells, in sentences, what could not be read."""

    def __init__(self, path: Path) -> None:
        """Open it: the index is read, and no more. Raises CaptureError."""
        self.path = path
        self.problems: list[str] = []
        try:
            self._file = path.open("rb")
        except OSError as error:
            raise CaptureError(f"{path} cannot be read: {error.strerror}") from None
        try:
            self.frames, self.header = self._open()
        except OSError as error:
            self.close()
            raise CaptureError(f"{path} cannot be read: {error.strerror}") from None
        except CaptureError:
            self.close()
            raise
        self._decode = decoder(self.header.version)

    def read(self, index: int, session: str = "") -> list[AnyEvent]:
        """The events of one frame; a damaged one gives none, and a problem.

        With ``session`` those of that one, which is much faster where there are many.
        """
        frame = self.frames[index]
        try:
            lines = self._lines(frame)
        except (CaptureError, OSError) as error:
            self._problem(f"octets from {frame.offset} are lost: {error}")
            return []
        events: list[AnyEvent] = []
        strange = 0
        mark = msgspec.json.encode(session) if session else b""
        for line in lines.splitlines():
            if mark not in line:
                continue
            if line.startswith(b'{"mxtap"'):
                self._meta(line)
                continue
            try:
                event = safe(self._decode(line))
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                strange += 1
                continue
            if not session or event.session == session:
                events.append(event)
        if strange:
            self._problem(f"{strange} lines in the frame at octet {frame.offset} are no events")
        return events

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Capture:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _open(self) -> tuple[list[Frame], Header]:
        head = self._file.read(4)
        size = self._file.seek(0, 2)
        if not size:
            raise CaptureError(f"{self.path} is empty")
        if not is_capture(head):
            raise CaptureError(f"{self.path} is not a capture of mxtap")
        frames = self._frames(size)
        if not frames:
            if head == ZSTD_MAGIC:
                raise CaptureError(f"{self.path} is zstd, but not a capture of mxtap")
            raise CaptureError(f"{self.path}: nothing of it can be read: {self.problems[-1]}")
        return frames, self._header(frames[0])

    def _frames(self, size: int) -> list[Frame]:
        try:
            frames = by_index(self._file, size)
        except CaptureError as error:
            self._problem(str(error))
            frames = None
        return by_notes(self._file, size, self._problem) if frames is None else frames

    def _header(self, first: Frame) -> Header:
        try:
            line = self._lines(first).partition(b"\n")[0]
            header = msgspec.json.decode(line, type=Header)
        except (CaptureError, msgspec.DecodeError) as error:
            self._problem(f"the header is damaged: {error}")
            return Header(created=0.0)
        if header.mxtap != "capture":
            self._problem("the header is missing; version 1 is taken for granted")
            return Header(created=0.0)
        if header.version > VERSION:
            raise CaptureError(
                f"{self.path} is of version {header.version} ({header.software}), and this"
                f" mxtap reads up to version {VERSION}: use a newer one"
            )
        if header.version < 1:
            raise CaptureError(f"{self.path}: there is no version {header.version}")
        return header

    def _lines(self, frame: Frame) -> bytes:
        if frame.note.size > MAX_RAW + MAX_RAW // 100:
            raise CaptureError(f"a frame of {frame.note.size} octets is too large")
        # Not by seek and read: a replay reads from more than one thread.
        octets = os.pread(self._file.fileno(), frame.note.size, frame.offset)
        if len(octets) < frame.note.size:
            raise CaptureError("the file ends in the middle of a frame")
        return unpack(octets)

    def _meta(self, line: bytes) -> None:
        try:
            gap = msgspec.json.decode(line, type=Gap)
        except msgspec.DecodeError:
            return  # the header
        if gap.mxtap == "gap":
            self._problem(f"{gap.lost} events are missing: the disk was too slow or full")

    def _problem(self, text: str) -> None:
        if text not in self.problems and len(self.problems) < MAX_PROBLEMS:
            self.problems.append(text)
