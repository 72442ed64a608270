"""What an attached report holds, unpacked within bounds."""

from __future__ import annotations

import struct
import zlib

__all__ = ["MAX_UNPACKED", "unpack"]

MAX_UNPACKED = 1024 * 1024  # bytes: enough to know a report by, and no bomb

_ZIP = struct.Struct("<4s2xHH8xII2H")  # local file header: flags, method, sizes, name, extra
_STORED, _DEFLATED = 0, 8


def unpack(data: bytes) -> bytes:
    """The first ``MAX_UNPACKED`` bytes of gzip, of the first file of a zip, or of plain data.

    Empty where the packing is broken from the start.
    """
    if data.startswith(b"\x1f\x8b"):
        return _inflate(data, zlib.MAX_WBITS | 16)
    if data.startswith(b"PK\x03\x04"):
        return _first_file(data)
    return data[:MAX_UNPACKED]


def _first_file(data: bytes) -> bytes:
    """The zip's directory is not read: it can list more files than there are bytes."""
    if len(data) < _ZIP.size:
        return b""
    _, flags, method, _, _, name, extra = _ZIP.unpack_from(data)
    content = data[_ZIP.size + name + extra :]
    if flags & 1:  # encrypted
        return b""
    if method == _STORED:
        return content[:MAX_UNPACKED]
    return _inflate(content, -zlib.MAX_WBITS) if method == _DEFLATED else b""


def _inflate(data: bytes, wbits: int) -> bytes:
    try:
        return zlib.decompressobj(wbits).decompress(data, MAX_UNPACKED)
    except zlib.error:
        return b""
