"""The DKIM-Signature field (RFC 6376 3.5) and its ARC sibling, read strictly."""

from __future__ import annotations

import binascii
import re
from typing import Literal, NamedTuple, cast

from monitor.findings.dkim.body import Canon, Want
from monitor.findings.mailbox import ascii_domain
from monitor.findings.message import Field
from monitor.text import printable

__all__ = ["MAX_FIELD", "Kind", "Malformed", "Signature", "base64_tag", "parse", "tag_list"]

MAX_FIELD = 64 * 1024  # bytes of a signature field
MAX_TAGS = 100
MAX_SIGNED = 1_000  # names in h=
ALGORITHMS = {b"rsa-sha256": "rsa", b"rsa-sha1": "rsa", b"ed25519-sha256": "ed25519"}

Kind = Literal["dkim", "message", "seal"]

_REQUIRED: dict[Kind, tuple[bytes, ...]] = {
    "dkim": (b"v", b"a", b"b", b"bh", b"d", b"h", b"s"),
    "message": (b"i", b"a", b"b", b"bh", b"d", b"h", b"s"),
    "seal": (b"i", b"a", b"b", b"cv", b"d", b"s"),
}
_NAME = re.compile(rb"[A-Za-z][A-Za-z0-9_]*")
_TAG = re.compile(rb"(?:\A|;)[ \t\r\n]*+([A-Za-z][A-Za-z0-9_]*+)[ \t\r\n]*+=([^;]*+)")
_FIELD_NAME = re.compile(rb"[!-9;-~]+")
_FIELD_NAMES = re.compile(rb"[!-9;-~]++(?::[!-9;-~]++)*+")
_SPACE = b" \t\r\n"
_DIGITS = re.compile(rb"[0-9]{1,76}")


class Malformed(ValueError):
    """The text breaks the syntax; the message says where."""


class Signature(NamedTuple):
    """A signature field that can be verified. Domains are A-labels in lower case."""

    field: Field
    algorithm: str  # as in a=
    domain: str
    selector: str
    value: bytes
    body_hash: bytes
    signed: tuple[bytes, ...]  # h=, lower case
    header_canon: Canon
    body_canon: Canon
    length: int | None
    identity: str  # domain of i=
    expires: int | None  # seconds since the epoch
    tags: dict[bytes, bytes]

    @property
    def key_type(self) -> str:
        """The k= that its key must have."""
        return ALGORITHMS[self.algorithm.encode()]

    @property
    def want(self) -> Want:
        """The body hash that it needs."""
        return Want(self.body_canon, self.length)

    @property
    def key_name(self) -> str:
        """Where its key is (RFC 6376 3.6.2.1)."""
        return f"{self.selector}._domainkey.{self.domain}"


def tag_list(raw: bytes) -> dict[bytes, bytes]:
    """The tags of a tag=value list (RFC 6376 3.2). Raises Malformed."""
    if raw.count(b";") > MAX_TAGS:
        raise Malformed(f"more than {MAX_TAGS} tags")
    raw = raw.strip(_SPACE).removesuffix(b";")
    tags = {name: value.strip(_SPACE) for name, value in _TAG.findall(raw)}
    return tags if len(tags) == raw.count(b";") + 1 else _tags_one_by_one(raw)


def _tags_one_by_one(raw: bytes) -> dict[bytes, bytes]:
    """As :func:`tag_list`, of a list that has a fault somewhere."""
    tags: dict[bytes, bytes] = {}
    for part in raw.split(b";"):
        name, equals, value = part.partition(b"=")
        name = name.strip(_SPACE)
        if not equals or not _NAME.fullmatch(name):
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


def parse(field: Field, kind: Kind = "dkim") -> Signature:
    """The signature in a field. Raises Malformed with the reason.

    An ARC-Message-Signature and an ARC-Seal (RFC 8617 4.1.2, 4.1.3) are close relatives:
    neither has v=, i= is a number there, a seal covers ARC fields only, and h= may have
    empty names. Their c= is relaxed where it is missing, as signers and verifiers have it.
    """
    if len(field.raw) > MAX_FIELD:
        raise Malformed(f"the field is longer than {MAX_FIELD} bytes")
    tags = tag_list(field.raw[field.raw.index(b":") + 1 :])
    for name in _REQUIRED[kind]:
        if not tags.get(name) and not (kind == "message" and name == b"h" and name in tags):
            raise Malformed(f"{name.decode()}= is missing")
    if kind == "dkim" and tags[b"v"] != b"1":
        raise Malformed("v= is not 1")
    algorithm = tags[b"a"].lower()
    if algorithm not in ALGORITHMS:
        raise Malformed(f"unknown algorithm {printable(algorithm, 40)!r}")
    if b"dns/txt" not in (q.strip(_SPACE) for q in tags.get(b"q", b"dns/txt").lower().split(b":")):
        raise Malformed("q= has no method that we know")
    domain = _domain(tags, b"d")
    header_canon, body_canon = _canons(tags, kind)
    expires, signed_at = _number(tags, b"x"), _number(tags, b"t")
    if expires is not None and signed_at is not None and expires < signed_at:
        raise Malformed("x= is before t=")
    return Signature(
        field=field,
        algorithm=algorithm.decode(),
        domain=domain,
        selector=_domain(tags, b"s"),
        value=base64_tag(tags, b"b"),
        body_hash=b"" if kind == "seal" else base64_tag(tags, b"bh"),
        signed=() if kind == "seal" else _signed(tags, kind),
        header_canon=header_canon,
        body_canon=body_canon,
        length=_number(tags, b"l"),
        identity=_identity(tags, domain) if kind == "dkim" else domain,
        expires=expires,
        tags=tags,
    )


def _domain(tags: dict[bytes, bytes], name: bytes) -> str:
    found = ascii_domain(tags[name])
    if found is None:
        raise Malformed(f"{name.decode()}= is not a domain name")
    return found


def _number(tags: dict[bytes, bytes], name: bytes) -> int | None:
    if name not in tags:
        return None
    if not _DIGITS.fullmatch(tags[name]):
        raise Malformed(f"{name.decode()}= is not a number")
    return int(tags[name])


def _canons(tags: dict[bytes, bytes], kind: Kind) -> tuple[Canon, Canon]:
    default = b"simple/simple" if kind == "dkim" else b"relaxed/relaxed"
    header, _, body = tags.get(b"c", default).lower().decode("ascii", "replace").partition("/")
    body = body or "simple"
    if header not in ("simple", "relaxed") or body not in ("simple", "relaxed"):
        raise Malformed("c= names an unknown canonicalisation")
    return cast("Canon", header), cast("Canon", body)


def _signed(tags: dict[bytes, bytes], kind: Kind) -> tuple[bytes, ...]:
    raw = tags[b"h"].lower()
    if raw.count(b":") >= MAX_SIGNED:
        raise Malformed(f"h= has more than {MAX_SIGNED} names")
    if _FIELD_NAMES.fullmatch(raw):
        return tuple(raw.split(b":"))
    names = tuple(name.strip(_SPACE) for name in raw.split(b":"))
    if not all(_FIELD_NAME.fullmatch(name) or (kind == "message" and not name) for name in names):
        raise Malformed("h= has a name that is none")
    return names


def _identity(tags: dict[bytes, bytes], domain: str) -> str:
    if b"i" not in tags:
        return domain
    identity = ascii_domain(tags[b"i"].rpartition(b"@")[2])
    if identity is None or not f".{identity}".endswith(f".{domain}"):
        raise Malformed("i= is not within d=")
    return identity
