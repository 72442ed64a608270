"""The events of a session as a database keeps them: MessagePack in a zstd frame."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import msgspec
import zstandard

from monitor import events as ev

_ZSTD = b"\x28\xb5\x2f\xfd"  # RFC 8878 3.1.1
_LEVEL = -1  # a quarter less work than at 1, an eighth more octets
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[ev.AnyEvent]).decode


class Packer:
    """Called with events it packs them, for one thread at a time: its workspace is kept."""

    def __init__(self) -> None:
        self._compress = zstandard.ZstdCompressor(level=_LEVEL).compress

    def __call__(self, events: Sequence[ev.AnyEvent]) -> bytes:
        """The events for :func:`unpacked`."""
        return self._compress(_encode(events))


def unpacked(blob: bytes) -> list[ev.AnyEvent]:
    """What was packed, now or by schema 3: JSON lines, deflated."""
    if blob.startswith(_ZSTD):
        return _decode(zstandard.ZstdDecompressor().decompress(blob))
    return [ev.decode(line) for line in zlib.decompress(blob).splitlines()]
