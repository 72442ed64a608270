"""Signing for the tests, on dkimpy's canonicalisation: not on the code that is tested."""

from __future__ import annotations

import base64
import hashlib
import textwrap
from functools import cache

import dkim
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa
from dkim.canonicalization import CanonicalizationPolicy

from monitor.findings.answers import Answer, Answers, canonical
from monitor.text import escape

PrivateKey = rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey

MESSAGE = (
    b"From: Joe <joe@author.example>\r\nTo: a@b.test\r\nSubject:  two   words\r\n"
    b"Message-ID: <1@author.example>\r\n\r\nHello  there \r\n\r\nBye.\r\n\r\n\r\n"
)


@cache
def rsa_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


@cache
def ed25519_key() -> ed25519.Ed25519PrivateKey:
    return ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )


def public_p(key: PrivateKey) -> str:
    if isinstance(key, ed25519.Ed25519PrivateKey):
        raw = key.public_key().public_bytes_raw()
    else:
        raw = key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    return base64.b64encode(raw).decode()


def record(key: PrivateKey, extra: str = "") -> str:
    kind = "ed25519" if isinstance(key, ed25519.Ed25519PrivateKey) else "rsa"
    return f"v=DKIM1; k={kind}; {extra}p={public_p(key)}"


def bare_rsa_record(bits: int, exponent: int = 65537) -> str:
    """A key record with a modulus of ``bits`` that nobody has the private key of."""
    numbers = _der_integer((1 << (bits - 1)) | 1) + _der_integer(exponent)
    der = b"\x30" + _der_length(len(numbers)) + numbers
    return f"v=DKIM1; p={base64.b64encode(der).decode()}"


def _der_integer(number: int) -> bytes:
    raw = number.to_bytes(number.bit_length() // 8 + 1, "big")
    return b"\x02" + _der_length(len(raw)) + raw


def _der_length(length: int) -> bytes:
    if length < 0x80:
        return bytes([length])
    raw = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([0x80 | len(raw)]) + raw


def sign(
    message: bytes,
    key: PrivateKey | None = None,
    *,
    domain: str = "author.example",
    selector: str = "s",
    canon: str = "relaxed/relaxed",
    signed: str = "from:to:subject:message-id",
    tags: str = "",
    length: int | None = None,
    algorithm: str = "",
) -> bytes:
    """``message`` with a DKIM-Signature in front."""
    key = key or rsa_key()
    policy = CanonicalizationPolicy.from_c_value(canon.encode())
    headers, body = dkim.rfc822_parse(message)
    body = policy.canonicalize_body(body)
    bh = base64.b64encode(hashlib.sha256(body if length is None else body[:length]).digest())
    kind = "ed25519" if isinstance(key, ed25519.Ed25519PrivateKey) else "rsa"
    more = f" l={length};" if length is not None else ""
    value = (
        f" v=1; a={algorithm or kind + '-sha256'}; c={canon}; d={domain}; s={selector};\r\n"
        f"\th={signed};{more}{tags}\r\n\tbh={bh.decode()};\r\n\tb="
    ).encode()
    names = [name.strip().lower().encode() for name in signed.split(":")]
    covered = dkim.select_headers(policy.canonicalize_headers([tuple(h) for h in headers]), names)
    own, own_value = policy.canonicalize_headers([(b"DKIM-Signature", value)])[0]
    data = b"".join(b"%s:%s" % field for field in covered)
    data += own + b":" + own_value.removesuffix(b"\r\n")
    if isinstance(key, ed25519.Ed25519PrivateKey):
        raw = key.sign(hashlib.sha256(data).digest())
    else:
        raw = key.sign(data, padding.PKCS1v15(), hashes.SHA256())
    wrapped = "\r\n\t".join(textwrap.wrap(base64.b64encode(raw).decode(), 70))
    return b"DKIM-Signature:" + value + wrapped.encode() + b"\r\n" + message


def txt(*pairs: tuple[str, str], secure: bool | None = None) -> Answers:
    """Answers with TXT records; several of one name are one answer."""
    by_name: dict[str, list[str]] = {}
    for name, text in pairs:
        by_name.setdefault(canonical(name), []).append(escape(text.encode()))
    return Answers(
        Answer(name=name, type="TXT", status="ok", records=tuple(records), secure=secure)
        for name, records in by_name.items()
    )


class Zone(Answers):
    """Answers from TXT pairs where all else does not exist; remembers what was asked."""

    def __init__(self, *pairs: tuple[str, str], secure: bool | None = None) -> None:
        super().__init__(txt(*pairs, secure=secure).all())
        self.asked: list[tuple[str, str]] = []

    def __call__(self, name: str, rdtype: str) -> Answer:
        question = (canonical(name), rdtype)
        self.asked.append(question)
        if question not in self:
            return Answer(name=question[0], type=rdtype, status="nxdomain")
        return super().__call__(name, rdtype)
