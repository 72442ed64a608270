"""Where the frames of a file are: by its index, or by walking the notes."""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO

import msgspec

from monitor.capture.format import (
    INDEX_FOOT,
    INDEX_MAGIC,
    MAX_NOTE,
    NOTE_MAGIC,
    SKIPPABLE_HEAD,
    ZSTD_MAGIC,
    CaptureError,
    Frame,
    Note,
    index_size,
    skippable_size,
    unpack_index,
)

DAMAGES = 100  # places; a file with more is given up on
SEARCHED = 1024 * 1024  # octets that are looked through at once for the next note
Tell = Callable[[str], None]


def by_index(file: BinaryIO, size: int) -> list[Frame] | None:
    """The frames by the index at the end; None without one. Raises CaptureError."""
    if size < INDEX_FOOT:
        return None
    file.seek(size - INDEX_FOOT)
    whole = index_size(file.read(INDEX_FOOT))
    if whole is None or whole > size:
        return None
    start = size - whole
    file.seek(start)
    octets = file.read(whole)
    if skippable_size(octets, INDEX_MAGIC) != whole - SKIPPABLE_HEAD:
        raise CaptureError("the index is damaged: its length is wrong")
    frames = unpack_index(octets[SKIPPABLE_HEAD:-INDEX_FOOT])
    end = 0
    for frame in frames:
        if frame.offset < end or frame.note.size <= 0:
            raise CaptureError("the index is damaged: its frames overlap")
        end = frame.offset + frame.note.size
    if end > start:
        raise CaptureError("the index is damaged: it tells of frames behind the end")
    return frames


def by_notes(file: BinaryIO, size: int, tell: Tell) -> list[Frame]:
    """The frames by their notes. ``tell`` hears of what had to be skipped."""
    frames: list[Frame] = []
    position = damages = 0
    while position < size and damages < DAMAGES:
        file.seek(position)
        head = file.read(SKIPPABLE_HEAD + MAX_NOTE)
        index = skippable_size(head, INDEX_MAGIC)
        if index is not None:
            position += SKIPPABLE_HEAD + index
            continue
        frame = _noted(head, position)
        if frame is None:
            damages += 1
            found = _search(file, position + 1)
            until = f"to octet {found}" if found >= 0 else "to the end"
            tell(f"damaged from octet {position} {until}")
            if found < 0:
                break
            position = found
            continue
        position = frame.offset + frame.note.size
        if position > size:
            tell(f"cut off at octet {size}: the last frame is not whole")
            break
        frames.append(frame)
    return frames


def _noted(head: bytes, position: int) -> Frame | None:
    """The frame whose note ``head`` begins with."""
    length = skippable_size(head, NOTE_MAGIC)
    if length is None or length > MAX_NOTE:
        return None
    try:
        note = msgspec.json.decode(head[SKIPPABLE_HEAD : SKIPPABLE_HEAD + length], type=Note)
    except msgspec.DecodeError:
        return None
    if note.size <= 0:
        return None
    return Frame(position + SKIPPABLE_HEAD + length, note)


def _search(file: BinaryIO, position: int) -> int:
    """Where the next thing that looks like a note begins; -1 for nowhere."""
    file.seek(position)
    while piece := file.read(SEARCHED):
        found = piece.find(NOTE_MAGIC)
        if found >= 0:
            return position + found
        position += max(1, len(piece) - len(NOTE_MAGIC) + 1)
        if len(piece) < SEARCHED:
            break
        file.seek(position)
    return -1


def is_capture(head: bytes) -> bool:
    """True when a file that begins with ``head`` may be a capture."""
    return head.startswith((NOTE_MAGIC, ZSTD_MAGIC))
