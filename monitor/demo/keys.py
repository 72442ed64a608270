"""DKIM keys, made anew at every start: one of each kind, which all senders of it share."""

from __future__ import annotations

import base64
import secrets
from typing import Any, Literal, NamedTuple, get_args

import nacl.encoding
import nacl.signing
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from dkim.crypto import parse_pem_private_key

Kind = Literal["rsa2048", "rsa1024", "rsa512", "ed25519"]

_EXPONENT = 65537


class Key(NamedTuple):
    """A key pair. ``private`` is as dkimpy holds it, ``pem`` as it reads it (RSA only)."""

    algorithm: Literal["rsa-sha256", "ed25519-sha256"]
    private: Any
    pem: bytes
    public: str  # the p= tag (RFC 6376 3.6.1)

    @property
    def record(self) -> str:
        """The key record (RFC 6376 3.6.1, RFC 8463 4)."""
        return f"v=DKIM1; k={self.algorithm.partition('-')[0]}; p={self.public}"


Keys = dict[Kind, Key]


def make_keys() -> Keys:
    """A key of every kind; a tenth of a second of work."""
    return {kind: _make(kind) for kind in get_args(Kind)}


def _make(kind: Kind) -> Key:
    if kind == "ed25519":
        private = nacl.signing.SigningKey.generate()
        public = private.verify_key.encode(nacl.encoding.Base64Encoder).decode()
        return Key("ed25519-sha256", private, b"", public)
    bits = int(kind.removeprefix("rsa"))
    pem, public_der = _rsa(bits) if bits >= 1024 else _short_rsa(bits)
    public = base64.b64encode(public_der).decode()
    return Key("rsa-sha256", parse_pem_private_key(pem), pem, public)


def _rsa(bits: int) -> tuple[bytes, bytes]:
    key = rsa.generate_private_key(_EXPONENT, bits)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    return pem, key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _short_rsa(bits: int) -> tuple[bytes, bytes]:
    """A key too short for today's libraries to make; some senders still sign with one."""
    p, q = _prime(bits // 2), _prime(bits // 2)
    n, d = p * q, pow(_EXPONENT, -1, (p - 1) * (q - 1))
    numbers = [0, n, _EXPONENT, d, p, q, d % (p - 1), d % (q - 1), pow(q, -1, p)]
    body = base64.b64encode(_der(numbers))
    pem = b"-----BEGIN RSA PRIVATE KEY-----\n%s\n-----END RSA PRIVATE KEY-----\n" % body
    return pem, _der([n, _EXPONENT])


def _der(numbers: list[int]) -> bytes:
    """A SEQUENCE of INTEGER (RFC 8017 A.1)."""
    body = b"".join(_tagged(0x02, n.to_bytes(n.bit_length() // 8 + 1, "big")) for n in numbers)
    return _tagged(0x30, body)


def _tagged(tag: int, body: bytes) -> bytes:
    length = len(body)
    size = bytes([length]) if length < 0x80 else b"\x82" + length.to_bytes(2, "big")
    return bytes([tag]) + size + body


def _prime(bits: int) -> int:
    """A probable prime (Fermat, which random numbers do not fool) with its top bits set."""
    top = 3 << (bits - 2)
    while True:
        candidate = secrets.randbits(bits) | top | 1
        coprime = (candidate - 1) % _EXPONENT
        if coprime and all(pow(base, candidate - 1, candidate) == 1 for base in (2, 3, 5)):
            return candidate
