"""The Authentication-Results field on top of a message (RFC 8601), where the operator asks."""

from __future__ import annotations

import re
from collections.abc import Iterator

from monitor.checks.results import strip_forged
from monitor.relay.data import HEADER_LIMIT

_WHOLE = re.compile(r"Authentication-Results: [ -~]+(?:\r\n[ \t][ -~]+)*\r\n")


def whole(field: str) -> bool:
    """True where ``field`` is one header field, folded, with its line end: and nothing more."""
    return isinstance(field, str) and _WHOLE.fullmatch(field) is not None


def stamped(pieces: Iterator[bytes], field: str, authserv_id: str) -> Iterator[bytes]:
    """The message with ``field`` on top, and forged fields that claim our id taken out.

    ``field`` is whole: name, value and line ends. A header section past 1 MiB keeps what
    stands behind that bound as it is.
    """
    head = bytearray()
    for piece in pieces:
        head += piece
        if b"\r\n\r\n" in head or len(head) > HEADER_LIMIT:
            break
    end = 0 if head.startswith(b"\r\n") else head.find(b"\r\n\r\n") + 2
    end = end if end != 1 else len(head)
    # The field and the mended header go out together or not at all.
    yield field.encode("ascii") + strip_forged(bytes(head[:end]), authserv_id) + bytes(head[end:])
    yield from pieces
