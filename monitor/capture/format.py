"""The .mxtap file: JSON Lines of events in independent zstd frames, with an index.

``docs/capture-format.md`` is the description for readers in other languages. Each frame
of lines has a *note* before it, in a skippable frame: how long the frame is and what is in
it. The index at the end, in a skippable frame too, is all the notes once more; without it
(the writer was killed) the notes are walked. ``zstdcat`` shows the lines alone.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

import msgspec
import zstandard

VERSION = 1  # of the framing and of the events in it: raised when either changes its meaning
SUFFIX = ".mxtap"

MAX_RAW = 8 * 1024 * 1024  # octets that one frame may unpack to
MAX_NOTE = 4_096
MAX_INDEX = 256 * 1024 * 1024

ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
NOTE_MAGIC = b"\x50\x2a\x4d\x18"  # skippable frame 0x184D2A50
INDEX_MAGIC = b"\x5e\x2a\x4d\x18"  # skippable frame 0x184D2A5E
INDEX_END = b"MXTAPIDX"
_SIZE = struct.Struct("<I")
SKIPPABLE_HEAD = 8
INDEX_FOOT = _SIZE.size + len(INDEX_END)


class CaptureError(Exception):
    """A capture cannot be read or written; the text is for the operator."""


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """The first line of a capture. ``created`` is seconds since the epoch."""

    mxtap: str = "capture"
    version: int = VERSION
    created: float
    relay: str = ""
    mode: str = ""
    software: str = ""
    rules: dict[str, Any] = {}  # the settings that findings depended on


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """A line that says that ``lost`` events are missing here: the disk was too slow."""

    mxtap: str = "gap"
    at: float
    lost: int


class Note(msgspec.Struct, frozen=True, array_like=True):
    """What is in the frame behind it. Times are those of the events, 0 without any."""

    size: int  # octets of the frame
    raw: int  # octets of its lines
    first: float = 0.0
    last: float = 0.0
    events: int = 0
    transactions: int = 0  # that ended here
    errors: int = 0  # events that tell a finding of severity error


class Frame(msgspec.Struct, frozen=True):
    """A frame and where its first octet stands in the file."""

    offset: int
    note: Note


def pack(lines: bytes, note: Note) -> tuple[Note, bytes]:
    """The note with its ``size`` and ``raw``, and the octets of the note and its frame."""
    frame = _compressor().compress(lines)
    note = msgspec.structs.replace(note, size=len(frame), raw=len(lines))
    return note, skippable(NOTE_MAGIC, msgspec.json.encode(note)) + frame


def pack_index(frames: Sequence[Frame]) -> bytes:
    """The index of ``frames``, as it stands at the end of a file."""
    table = msgspec.json.encode([(frame.offset, frame.note) for frame in frames])
    # Its whole length stands at its end, so that a reader finds its start from behind.
    whole = SKIPPABLE_HEAD + len(table) + INDEX_FOOT
    return skippable(INDEX_MAGIC, table + _SIZE.pack(whole) + INDEX_END)


def unpack_index(table: bytes) -> list[Frame]:
    """The frames of an index. Raises CaptureError."""
    try:
        rows = msgspec.json.decode(table, type=list[tuple[int, Note]])
    except msgspec.DecodeError as error:
        raise CaptureError(f"the index is damaged: {error}") from None
    return [Frame(offset, note) for offset, note in rows]


def index_size(foot: bytes) -> int | None:
    """How long the index is that ends with ``foot``; None where there is none."""
    if len(foot) != INDEX_FOOT or not foot.endswith(INDEX_END):
        return None
    size: int = _SIZE.unpack_from(foot)[0]
    return size if SKIPPABLE_HEAD + INDEX_FOOT <= size <= MAX_INDEX else None


def skippable(magic: bytes, payload: bytes) -> bytes:
    """A skippable frame (RFC 8878 3.1.2)."""
    return magic + _SIZE.pack(len(payload)) + payload


def skippable_size(head: bytes, magic: bytes) -> int | None:
    """The payload's size of a skippable frame that begins with ``head``; None for others."""
    if len(head) < SKIPPABLE_HEAD or not head.startswith(magic):
        return None
    size: int = _SIZE.unpack_from(head, len(magic))[0]
    return size


def unpack(frame: bytes) -> bytes:
    """The lines of a frame. Raises CaptureError for damage, and for more than ``MAX_RAW``."""
    try:
        declared = zstandard.get_frame_parameters(frame)
        if declared.content_size == zstandard.CONTENTSIZE_UNKNOWN:
            raise CaptureError("a frame does not say its size")
        if declared.content_size > MAX_RAW or declared.window_size > MAX_RAW:
            raise CaptureError(f"a frame would unpack to more than {MAX_RAW >> 20} MiB")
        lines: bytes = zstandard.ZstdDecompressor().decompress(frame, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise CaptureError(f"a frame is damaged: {error}") from None
    return lines


def _compressor() -> Any:
    # Higher levels make events no smaller.
    return zstandard.ZstdCompressor(level=1, write_checksum=True, write_content_size=True)
