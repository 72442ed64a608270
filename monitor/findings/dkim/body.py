"""Body hashes (RFC 6376 3.4.3, 3.4.4, 3.7) over a body that comes in pieces.

dkimpy wants the whole body in memory and takes some 33 ms a MB, nearly all of it in two
regular expressions. Here the work is done by ``bytes`` methods on large blocks, and where
there is nothing to do, two searches show it. The result is the same at every split.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import Literal, NamedTuple

from monitor.search import holds

__all__ = ["Canon", "Digest", "Hasher", "Want", "collapse", "digests"]

Canon = Literal["simple", "relaxed"]

_BLANKS = 32_768  # empty lines that are hashed at a time
_RUN = re.compile(rb"  +")


class Want(NamedTuple):
    """A body hash that a signature needs: SHA-256 of the first ``length`` octets, or of all."""

    canon: Canon
    length: int | None = None  # l=


class Digest(NamedTuple):
    """A body hash, and how many canonical octets the body has in all."""

    value: bytes
    size: int


def collapse(data: bytes) -> bytes:
    """Every run of WSP as one space."""
    data = data.replace(b"\t", b" ")
    return _RUN.sub(b" ", data) if holds(data, b"  ") else data


class _Canonical:
    """One canonicalisation and the hashes over it. Empty lines wait until text follows."""

    _ends_empty = False  # an empty body is one CRLF

    def __init__(self, lengths: Iterable[int | None]) -> None:
        self._hashes = {length: hashlib.sha256() for length in lengths}
        self._size = 0
        self._blanks = 0  # CRLFs that are seen and not hashed
        self._held = b""  # an end of piece whose meaning the next one decides

    def add(self, piece: bytes) -> None:
        """The next piece of the body."""
        data, self._held = self._split(self._held + piece)
        text, blanks = _without_blank_lines(data)
        if text:
            self._flush_blanks()
            self._hash(text)
        self._blanks += blanks

    def finish(self) -> dict[int | None, Digest]:
        """The hash for each length."""
        text = self._last(self._held)
        if text:
            self._flush_blanks()
            self._hash(text)
        if self._size or self._ends_empty:
            self._hash(b"\r\n")  # the last line's end, also where the body had none
        return {n: Digest(h.digest(), self._size) for n, h in self._hashes.items()}

    def _flush_blanks(self) -> None:
        while self._blanks:
            some = min(self._blanks, _BLANKS)
            self._hash(b"\r\n" * some)
            self._blanks -= some

    def _hash(self, data: bytes) -> None:
        for length, running in self._hashes.items():
            if length is None or self._size + len(data) <= length:
                running.update(data)
            elif self._size < length:
                running.update(data[: length - self._size])
        self._size += len(data)

    def _split(self, data: bytes) -> tuple[bytes, bytes]:
        """Canonical text, and the end that has to wait."""
        raise NotImplementedError

    def _last(self, held: bytes) -> bytes:
        """What ``held`` is when nothing follows."""
        raise NotImplementedError


class _Simple(_Canonical):
    _ends_empty = True

    def _split(self, data: bytes) -> tuple[bytes, bytes]:
        return (data[:-1], b"\r") if data.endswith(b"\r") else (data, b"")

    def _last(self, held: bytes) -> bytes:
        return held


class _Relaxed(_Canonical):
    def _split(self, data: bytes) -> tuple[bytes, bytes]:
        if b" " in data or b"\t" in data:  # base64 has neither
            data = collapse(data)
            if holds(data, b" \r\n"):
                data = data.replace(b" \r\n", b"\r\n")
        end = len(data) - data.endswith(b"\r")
        end -= data.endswith(b" ", 0, end)
        return data[:end], data[end:]

    def _last(self, held: bytes) -> bytes:
        return held.removesuffix(b" ")


def _without_blank_lines(data: bytes) -> tuple[bytes, int]:
    """``data`` without the CRLFs at its end, and how many these are."""
    tail = data[len(data.rstrip(b"\r\n")) :]
    if tail != b"\r\n" * (len(tail) // 2):
        # Stray CRs or LFs among them: only the alternating end is made of CRLFs.
        tail = tail[max(tail.rfind(b"\r\r"), tail.rfind(b"\n\n")) + 1 :].removeprefix(b"\n")
        tail = tail if tail.endswith(b"\n") else b""
    return (data[: -len(tail)], len(tail) // 2) if tail else (data, 0)


class Hasher:
    """Takes a body in pieces; gives every hash that is wanted."""

    def __init__(self, wants: Iterable[Want]) -> None:
        lengths: dict[Canon, set[int | None]] = {}
        for want in wants:
            lengths.setdefault(want.canon, set()).add(want.length)
        self._runs: dict[Canon, _Canonical] = {
            canon: (_Simple if canon == "simple" else _Relaxed)(each)
            for canon, each in lengths.items()
        }

    def add(self, piece: bytes) -> None:
        """The next piece of the body."""
        for run in self._runs.values():
            run.add(piece)

    def finish(self) -> dict[Want, Digest]:
        """The hashes; call it once, after the last piece."""
        return {
            Want(canon, length): digest
            for canon, run in self._runs.items()
            for length, digest in run.finish().items()
        }


def digests(pieces: Iterable[bytes], wants: Iterable[Want]) -> dict[Want, Digest]:
    """The hashes of a body that is at hand."""
    hasher = Hasher(wants)
    for piece in pieces:
        hasher.add(piece)
    return hasher.finish()
