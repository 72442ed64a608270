"""The key record (RFC 6376 3.6.1) and its arithmetic, which OpenSSL does.

dkimpy computes RSA with Python integers and no bound: one 16384-bit key holds the
interpreter for nine seconds. Sizes are checked here before any arithmetic.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, cast

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers
from dkim.crypto import UnparsableKeyError, parse_public_key

from monitor.findings.dkim.syntax import Malformed, base64_tag, tag_list
from monitor.text import unescape

__all__ = ["MAX_BITS", "MIN_BITS", "Key", "KeyFault", "key_of", "key_record"]

MIN_BITS = 1_024  # RFC 8301 3.2
MAX_BITS = 8_192
MAX_EXPONENT_BITS = 64  # OpenSSL's own bound for large keys
MAX_RECORD = 8_192  # characters
CACHED = 1_000  # parsed keys that are remembered

PublicKey = RSAPublicKey | Ed25519PublicKey

_PADDING, _SHA256 = PKCS1v15(), hashes.SHA256()


class KeyFault(Exception):
    """The key cannot be used. ``result`` is what becomes of the signature by it."""

    def __init__(self, result: Literal["key-revoked", "key-malformed"], detail: str) -> None:
        super().__init__(detail)
        self.result = result
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Key:
    """A public key. ``public`` is None for an RSA key that is too short to be used."""

    kind: Literal["rsa", "ed25519"]
    bits: int
    public: PublicKey | None
    testing: bool  # t=y
    strict: bool  # t=s: i= must have the very domain of d=
    sha256: bool  # h= allows it
    email: bool  # s= allows it

    def verifies(self, signature: bytes, data: bytes) -> bool:
        """Whether ``signature`` over SHA-256 of ``data`` is of this key."""
        try:
            if self.public is None:
                return False
            if self.kind == "rsa":
                cast("RSAPublicKey", self.public).verify(signature, data, _PADDING, _SHA256)
            else:  # RFC 8463 3: the hash is what is signed
                digest = hashlib.sha256(data).digest()
                cast("Ed25519PublicKey", self.public).verify(signature, digest)
        except (InvalidSignature, UnsupportedAlgorithm, ValueError):
            return False
        return True


@lru_cache(CACHED)
def key_of(record: str) -> Key:
    """The key of one record as answers have it, which is escaped. Raises KeyFault."""
    return key_record(unescape(record))


def key_record(record: bytes) -> Key:
    """The key of one TXT record. Raises KeyFault."""
    if len(record) > MAX_RECORD:
        raise KeyFault("key-malformed", f"the record has more than {MAX_RECORD} characters")
    try:
        tags = tag_list(record)
        if tags.get(b"v", b"DKIM1") != b"DKIM1":
            raise Malformed("v= is not DKIM1")
        if b"p" not in tags:
            raise Malformed("p= is missing")
        if not tags[b"p"]:
            raise KeyFault("key-revoked", "p= is empty: the key has been revoked")
        material = base64_tag(tags, b"p")
        kind = tags.get(b"k", b"rsa").lower()
        bits: int = 256
        public: PublicKey | None
        if kind == b"ed25519":
            public = _ed25519(material)
        elif kind == b"rsa":
            bits, public = _rsa(material)
        else:
            raise Malformed("k= is a kind of key that we do not know")
    except Malformed as fault:
        raise KeyFault("key-malformed", str(fault)) from None
    flags = _words(tags, b"t", b"")
    return Key(
        kind="ed25519" if kind == b"ed25519" else "rsa",
        bits=bits,
        public=public,
        testing=b"y" in flags,
        strict=b"s" in flags,
        sha256=b"sha256" in _words(tags, b"h", b"sha256"),
        email=not _words(tags, b"s", b"*").isdisjoint({b"*", b"email"}),
    )


def _words(tags: dict[bytes, bytes], name: bytes, default: bytes) -> set[bytes]:
    return {word.strip(b" \t\r\n") for word in tags.get(name, default).lower().split(b":")}


def _ed25519(material: bytes) -> PublicKey:
    if len(material) != 32:
        raise Malformed("p= is not an Ed25519 key of 32 octets")
    return Ed25519PublicKey.from_public_bytes(material)


def _rsa(material: bytes) -> tuple[int, PublicKey | None]:
    try:
        numbers = parse_public_key(material)
        modulus, exponent = int(numbers["modulus"]), int(numbers["publicExponent"])
    except (UnparsableKeyError, AssertionError, IndexError, KeyError, TypeError, ValueError):
        raise Malformed("p= is not an RSA public key") from None
    bits = modulus.bit_length()
    if bits > MAX_BITS:
        raise Malformed(f"a {bits}-bit RSA key; more than {MAX_BITS} bits are refused")
    if exponent.bit_length() > MAX_EXPONENT_BITS:
        raise Malformed("an RSA exponent that is too large")
    if bits < MIN_BITS:
        return bits, None
    try:
        return bits, RSAPublicNumbers(exponent, modulus).public_key()
    except ValueError:
        raise Malformed("p= is not a usable RSA public key") from None
