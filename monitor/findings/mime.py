"""A walk over a message's MIME parts (RFC 2046), bounded in depth, parts and bytes."""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from monitor.findings.message import MAX_FIELDS, Header, body_offset, scan
from monitor.findings.words import decode_words

__all__ = ["MAX_DEPTH", "MAX_PARTS", "ContentType", "Part", "content_type", "media_type", "parts"]

MAX_DEPTH = 8
MAX_PARTS = 100
MAX_PART_FIELDS = 50  # header fields of a part
MAX_DELIMITERS = 1_000  # lines of one entity that look like a delimiter
MAX_TYPE = 512  # bytes of a media type without its parameters (RFC 6838 4.2 has 255)
MAX_VALUE = 4_096  # bytes of a Content-Type or Content-Disposition that are read

_TYPE = re.compile(rb"\s*+([!-'*+\--.0-9A-Z^-~]++/[!-'*+\--.0-9A-Z^-~]++)")
_PARAM = re.compile(rb';\s*+([!-\'*+\--.0-9A-Z^-~]++)\s*+=\s*+(?:"((?:[^"\\]|\\.)*+)"|([^\s;"]++))')


class ContentType(NamedTuple):
    """A media type in lower case and its parameters, names in lower case."""

    type: str
    params: dict[str, str]


class Part(NamedTuple):
    """A leaf of the MIME tree. ``body`` is as it was sent: see :meth:`content`."""

    header: Header
    type: ContentType
    body: bytes

    @property
    def filename(self) -> str:
        """The name that the sender gave the part; "" for none."""
        given = _params(self.header.value(b"content-disposition")[:MAX_VALUE]).get("filename", "")
        return decode_words((given or self.type.params.get("name", "")).encode("utf-8", "replace"))

    def content(self) -> bytes:
        """The body with its transfer encoding undone; a broken end is left out."""
        encoding = self.header.value(b"content-transfer-encoding").lower()
        if encoding == b"base64":
            text = self.body.translate(None, b" \t\r\n")
            try:
                return binascii.a2b_base64(text[: len(text) // 4 * 4])
            except binascii.Error:
                return b""
        if encoding == b"quoted-printable":
            return binascii.a2b_qp(self.body)
        return self.body


def media_type(header: Header) -> str:
    """The media type of an entity; text/plain where none is told (RFC 2045 5.2)."""
    found = header.all(b"content-type")
    return _media_type(found[0].partition(b";")[0][:MAX_TYPE]) if found else "text/plain"


@lru_cache(256)
def _media_type(text: bytes) -> str:
    match = _TYPE.match(text)
    return match[1].decode("ascii").lower() if match else "text/plain"


def content_type(header: Header) -> ContentType:
    """The media type of an entity and its parameters."""
    return ContentType(media_type(header), _params(header.value(b"content-type")[:MAX_VALUE]))


def _params(value: bytes) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, quoted, plain in _PARAM.findall(value):
        text = re.sub(rb"\\(.)", rb"\1", quoted, flags=re.DOTALL) or plain
        found.setdefault(name.decode("ascii").lower(), text.decode("utf-8", "replace"))
    return found


def parts(message: bytes) -> Iterator[Part]:
    """The leaves of a message, in order; at most ``MAX_PARTS`` entities are looked at.

    What is nested deeper than ``MAX_DEPTH`` is one leaf.
    """
    waiting: list[tuple[bytes, int]] = [(message, 0)]
    for _ in range(MAX_PARTS):
        if not waiting:
            return
        entity, depth = waiting.pop()
        header = scan(entity, MAX_PART_FIELDS if depth else MAX_FIELDS)
        offset = body_offset(entity)
        body = entity[offset:] if offset >= 0 else b""
        kind = content_type(header)
        boundary = kind.params.get("boundary", "").encode("utf-8", "replace")
        if kind.type.startswith("multipart/") and boundary and depth < MAX_DEPTH:
            inner = _split(body, boundary)
            waiting.extend((each, depth + 1) for each in reversed(inner))
        else:
            yield Part(header, kind, body)


def _split(body: bytes, boundary: bytes) -> list[bytes]:
    """The entities between the delimiter lines (RFC 2046 5.1.1)."""
    delimiter = b"\n--" + boundary
    body = b"\n" + body
    found: list[bytes] = []
    start = 0
    at = body.find(delimiter)
    for _ in range(MAX_DELIMITERS):
        if at < 0 or len(found) == MAX_PARTS:
            break
        line = body.find(b"\n", at + 1)
        line = line if line >= 0 else len(body)
        rest = body[at + len(delimiter) : line].rstrip()
        if rest in (b"", b"--"):  # else a longer boundary that starts alike
            if start:
                found.append(body[start:at].removesuffix(b"\r"))
            start = line + 1
            if rest:
                return found
        at = body.find(delimiter, line)
    if start:
        found.append(body[start:])
    return found
