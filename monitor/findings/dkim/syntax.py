"""The DKIM-Signature field (RFC 6376 3.5) and its ARC sibling, read strictly."""

from __future__ import annotations

import binascii
import re
from functools import lru_cache
from typing import Literal, NamedTuple, cast

from monitor.findings.dkim.body import Canon, Want
from monitor.findings.mailbox import ascii_domain
from monitor.text import printable

__all__ = ["MAX_FIELD", "Kind", "Malformed", "Signature", "base64_tag", "parse", "tag_list"]

MAX_FIELD = 64 * 1024  # bytes of a signature field
MAX_TAGS = 100
MAX_SIGNED = 1_000  # names in h=
MAX_REMEMBERED = 2_048  # bytes of a field whose signer is remembered
CACHED = 1_000  # signers that are remembered
ALGORITHMS = {b"rsa-sha256": "rsa", b"rsa-sha1": "rsa", b"ed25519-sha256": "ed25519"}

Kind = Literal["dkim", "message", "seal"]

_REQUIRED: dict[Kind, tuple[bytes, ...]] = {
    "dkim": (b"v", b"a", b"b", b"bh", b"d", b"h", b"s"),
    "message": (b"i", b"a", b"b", b"bh", b"d", b"h", b"s"),
    "seal": (b"i", b"a", b"b", b"cv", b"d", b"s"),
}
_FIELDS: dict[Kind, bytes] = {
    "dkim": b"dkim-signature",
    "message": b"arc-message-signature",
    "seal": b"arc-seal",
}
_USUAL = frozenset(b"v a b bh c d h i k l p q s t x z cv".split())
_NAME = re.compile(rb"[A-Za-z][A-Za-z0-9_]*")
_FIELD_NAME = re.compile(rb"[!-9;-~]+")
_FIELD_NAMES = re.compile(rb"[!-9;-~]++(?::[!-9;-~]++)*+")
_SPACE = b" \t\r\n"
_DIGITS = re.compile(rb"[0-9]{1,76}")


class Malformed(ValueError):
    """The text breaks the syntax; the message says where."""


class Signer(NamedTuple):
    """What one signer says in all of its signatures. Domains are A-labels in lower case."""

    algorithm: str  # as in a=
    domain: str
    selector: str
    signed: tuple[bytes, ...]  # h=, lower case
    header_canon: Canon
    body_canon: Canon
    identity: str  # domain of i=


class Signature(NamedTuple):
    """A signature field that can be verified."""

    name: bytes  # of the field
    text: bytes  # of the field, unfolded
    number: int  # of the field among those of its name, from the top
    signer: Signer
    value: bytes
    body_hash: bytes
    length: int | None
    expires: int | None  # seconds since the epoch
    tags: dict[bytes, bytes]

    @property
    def algorithm(self) -> str:
        """As in a=."""
        return self.signer.algorithm

    @property
    def domain(self) -> str:
        """Of d=."""
        return self.signer.domain

    @property
    def key_type(self) -> str:
        """The k= that its key must have."""
        return ALGORITHMS[self.signer.algorithm.encode()]

    @property
    def want(self) -> Want:
        """The body hash that it needs."""
        return Want(self.signer.body_canon, self.length)

    @property
    def key_name(self) -> str:
        """Where its key is (RFC 6376 3.6.2.1)."""
        return f"{self.signer.selector}._domainkey.{self.signer.domain}"


def tag_list(raw: bytes) -> dict[bytes, bytes]:
    """The tags of a tag=value list (RFC 6376 3.2). Raises Malformed."""
    parts = raw.split(b";", MAX_TAGS + 1)
    if len(parts) > MAX_TAGS + 1:
        raise Malformed(f"more than {MAX_TAGS} tags")
    if len(parts) > 1 and not parts[-1].strip(_SPACE):
        parts.pop()
    tags: dict[bytes, bytes] = {}
    for part in parts:
        name, equals, value = part.partition(b"=")
        name = name.strip(_SPACE)
        if not equals or not (name in _USUAL or _NAME.fullmatch(name)):
            raise Malformed(f"no tag=value: {printable(part.strip(), 40)!r}")
        if name in tags:
            raise Malformed(f"{name.decode()}= is there twice")
        tags[name] = value.strip(_SPACE)
    return tags


def base64_tag(tags: dict[bytes, bytes], name: bytes) -> bytes:
    """A base64 value, white space left out. Raises Malformed."""
    try:
        return binascii.a2b_base64(b"".join(tags[name].split()), strict_mode=True)
    except binascii.Error as error:
        raise Malformed(f"{name.decode()}= is not base64: {error}") from None


def parse(text: bytes, kind: Kind = "dkim", number: int = 0) -> Signature:
    """The signature in the text of a field. Raises Malformed with the reason.

    ``number`` is the field's among those of its name. An ARC-Message-Signature and an ARC-Seal
    (RFC 8617 4.1.2, 4.1.3) are close relatives: neither has v=, i= is a number there, a seal
    covers ARC fields only, and h= may have empty names. Their c= is relaxed where it is
    missing, as signers and verifiers have it.
    """
    if len(text) > MAX_FIELD:
        raise Malformed(f"the field is longer than {MAX_FIELD} bytes")
    tags = tag_list(text)
    if not all(map(tags.get, _REQUIRED[kind])):
        for name in _REQUIRED[kind]:
            if not tags.get(name) and not (kind == "message" and name == b"h" and name in tags):
                raise Malformed(f"{name.decode()}= is missing")
    if kind == "dkim" and tags[b"v"] != b"1":
        raise Malformed("v= is not 1")
    expires, signed_at = _number(tags, b"x"), _number(tags, b"t")
    if expires is not None and signed_at is not None and expires < signed_at:
        raise Malformed("x= is before t=")
    said = (
        tags[b"a"],
        tags[b"d"],
        tags[b"s"],
        tags[b"h"] if kind != "seal" else None,
        tags.get(b"c"),
        tags[b"i"].rpartition(b"@")[2] if kind == "dkim" and b"i" in tags else None,
        tags.get(b"q", b"dns/txt"),
    )
    return Signature(
        name=_FIELDS[kind],
        text=text,
        number=number,
        signer=(_signer if len(text) <= MAX_REMEMBERED else _read_signer)(kind, *said),
        value=base64_tag(tags, b"b"),
        body_hash=b"" if kind == "seal" else base64_tag(tags, b"bh"),
        length=_number(tags, b"l"),
        expires=expires,
        tags=tags,
    )


def _read_signer(
    kind: Kind,
    a: bytes,
    d: bytes,
    s: bytes,
    h: bytes | None,
    c: bytes | None,
    i: bytes | None,
    q: bytes,
) -> Signer:
    algorithm = a.lower()
    if algorithm not in ALGORITHMS:
        raise Malformed(f"unknown algorithm {printable(algorithm, 40)!r}")
    if b"dns/txt" not in [method.strip(_SPACE) for method in q.lower().split(b":")]:
        raise Malformed("q= has no method that we know")
    domain = _domain(d, "d")
    header_canon, body_canon = _canons(c, kind)
    return Signer(
        algorithm=algorithm.decode(),
        domain=domain,
        selector=_domain(s, "s"),
        signed=() if h is None else _signed(h, kind),
        header_canon=header_canon,
        body_canon=body_canon,
        identity=domain if i is None else _identity(i, domain),
    )


_signer = lru_cache(CACHED)(_read_signer)


def _domain(raw: bytes, tag: str) -> str:
    found = ascii_domain(raw)
    if found is None:
        raise Malformed(f"{tag}= is not a domain name")
    return found


def _number(tags: dict[bytes, bytes], name: bytes) -> int | None:
    if name not in tags:
        return None
    if not _DIGITS.fullmatch(tags[name]):
        raise Malformed(f"{name.decode()}= is not a number")
    return int(tags[name])


def _canons(raw: bytes | None, kind: Kind) -> tuple[Canon, Canon]:
    if raw is None:
        raw = b"simple/simple" if kind == "dkim" else b"relaxed/relaxed"
    header, _, body = raw.lower().decode("ascii", "replace").partition("/")
    body = body or "simple"
    if header not in ("simple", "relaxed") or body not in ("simple", "relaxed"):
        raise Malformed("c= names an unknown canonicalisation")
    return cast("Canon", header), cast("Canon", body)


def _signed(raw: bytes, kind: Kind) -> tuple[bytes, ...]:
    raw = raw.lower()
    if raw.count(b":") >= MAX_SIGNED:
        raise Malformed(f"h= has more than {MAX_SIGNED} names")
    if _FIELD_NAMES.fullmatch(raw):
        return tuple(raw.split(b":"))
    names = tuple(name.strip(_SPACE) for name in raw.split(b":"))
    if not all(_FIELD_NAME.fullmatch(name) or (kind == "message" and not name) for name in names):
        raise Malformed("h= has a name that is none")
    return names


def _identity(raw: bytes, domain: str) -> str:
    identity = ascii_domain(raw)
    if identity is None or not f".{identity}".endswith(f".{domain}"):
        raise Malformed("i= is not within d=")
    return identity
