"""One verdict for each signature of a message (RFC 6376 6.1), each by itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import msgspec

from monitor.findings.answers import Ask, NeedAnswer, Question
from monitor.findings.dkim.body import Digest, Want
from monitor.findings.dkim.header import Forms, signed_data
from monitor.findings.dkim.record import MIN_BITS, Key, KeyFault, key_of
from monitor.findings.dkim.syntax import Malformed, Signature, parse
from monitor.findings.message import Header

__all__ = ["MAX_SIGNATURES", "Outcome", "Result", "Signatures", "check", "lookup", "read", "verify"]

MAX_SIGNATURES = 10

Result = Literal[
    "pass",
    "fail-body",
    "fail-signature",
    "malformed",
    "no-key",
    "key-revoked",
    "key-malformed",
    "key-short",
    "expired",
    "temperror",
    "sha1",
    "length-tag",
    "from-unsigned",
]


class Signatures(msgspec.Struct, frozen=True):
    """The signatures of a message, read and not yet verified; ``more`` were not looked at."""

    read: tuple[Signature | Malformed, ...]
    more: int = 0

    @property
    def wants(self) -> frozenset[Want]:
        """The body hashes that verifying takes."""
        return frozenset(s.want for s in self.read if isinstance(s, Signature))


class Outcome(msgspec.Struct, frozen=True):
    """What became of one signature. ``signature`` is None where its field is malformed."""

    result: Result
    detail: str = ""
    signature: Signature | None = None
    key: Key | None = None
    secure: bool | None = None  # DNSSEC state of the key's answer
    appended: int = 0  # canonical octets after those that l= covers
    header_intact: bool | None = None  # the signature value holds, whatever the body says

    @property
    def passed(self) -> bool:
        """True for a valid signature."""
        return self.result == "pass"


def read(header: Header, limit: int = MAX_SIGNATURES) -> Signatures:
    """The first ``limit`` signatures of a header, from the top.

    Of a header that was not read in full none can be verified.
    """
    fields = header.all(b"dkim-signature")
    if header.clipped:
        fault = Malformed("the header is too large to be verified")
        return Signatures((fault,) * min(len(fields), limit), max(0, len(fields) - limit))
    found: list[Signature | Malformed] = []
    for number, text in enumerate(fields[:limit]):
        try:
            found.append(parse(text, number=number))
        except Malformed as fault:
            found.append(fault)
    return Signatures(tuple(found), max(0, len(fields) - limit))


def verify(
    signatures: Iterable[Signature | Malformed],
    header: Header,
    bodies: Mapping[Want, Digest],
    ask: Ask,
    now: float,
) -> list[Outcome]:
    """An outcome for each signature, in their order. ``now`` is seconds since the epoch.

    ``bodies`` holds the hashes of :attr:`Signatures.wants`. Raises NeedAnswer once, with
    every key that is still to be asked for.
    """
    outcomes: list[Outcome] = []
    missing: list[Question] = []
    forms: Forms = {}
    for signature in signatures:
        try:
            outcomes.append(_verify(signature, header, forms, bodies, ask, now))
        except NeedAnswer as need:
            missing.extend(need.questions)
    if missing:
        raise NeedAnswer(*missing)
    return outcomes


def _verify(
    signature: Signature | Malformed,
    header: Header,
    forms: Forms,
    bodies: Mapping[Want, Digest],
    ask: Ask,
    now: float,
) -> Outcome:
    if isinstance(signature, Malformed):
        return Outcome("malformed", str(signature))
    if signature.algorithm == "rsa-sha1":
        return Outcome("sha1", "rsa-sha1 must not be used (RFC 8301)", signature)
    if signature.signer.signed.count(b"from") < max(1, len(header.all(b"from"))):
        return Outcome("from-unsigned", "a From field is not covered by h=", signature)
    if signature.expires is not None and signature.expires < now:
        return Outcome("expired", f"x={signature.expires} is past", signature)
    found = lookup(signature, ask)
    if not found.passed or found.key is None:
        return found
    return check(signature, found.key, found.secure, header, forms, bodies[signature.want])


def lookup(signature: Signature, ask: Ask) -> Outcome:
    """A "pass" with the key that a signature names, or the reason why there is none."""
    answer = ask(signature.key_name, "TXT")
    if answer.failed:
        return Outcome("temperror", f"{answer.status} for {signature.key_name}", signature)
    if not answer.records:
        return Outcome(
            "no-key", f"no record at {signature.key_name}", signature, secure=answer.secure
        )
    try:
        key = _usable(answer.records, signature)
    except KeyFault as fault:
        return Outcome(fault.result, fault.detail, signature, secure=answer.secure)
    if key.bits < MIN_BITS and key.kind == "rsa":
        detail = f"{key.bits}-bit RSA key; at least {MIN_BITS} bits are required"
        return Outcome("key-short", detail, signature, key, answer.secure)
    return Outcome("pass", "", signature, key, answer.secure)


def _usable(records: Sequence[str], signature: Signature) -> Key:
    """The key among the records, or the first record's fault. Raises KeyFault.

    Several records are undefined (RFC 6376 3.6.2.2); whichever fits is taken.
    """
    fault: KeyFault | None = None
    for record in records[:10]:
        try:
            key = key_of(record)
            _fits(key, signature)
        except KeyFault as this:
            fault = fault or this
        else:
            return key
    raise fault or KeyFault("key-malformed", "no key")


def _fits(key: Key, signature: Signature) -> None:
    if key.kind != signature.key_type:
        raise KeyFault("key-malformed", f"k={key.kind} does not fit a={signature.algorithm}")
    if not key.sha256:
        raise KeyFault("key-malformed", "h= of the key does not allow sha256")
    if not key.email:
        raise KeyFault("key-malformed", "s= of the key does not allow e-mail")
    if key.strict and signature.signer.identity != signature.domain:
        raise KeyFault("key-malformed", "t=s, and i= is a subdomain of d=")


def check(
    signature: Signature,
    key: Key,
    secure: bool | None,
    header: Header,
    forms: Forms,
    body: Digest,
) -> Outcome:
    """What a signature comes to with its key: body hash first, then its value."""
    intact = key.verifies(signature.value, signed_data(signature, header, forms))
    length = signature.length
    result: Result = "pass"
    detail = ""
    if body.value != signature.body_hash or (length is not None and length > body.size):
        result, detail = "fail-body", "the body has changed since it was signed"
    elif not intact:
        result = "fail-signature"
        detail = "the signed header fields have changed, or another key signed them"
    appended = max(0, body.size - length) if length is not None else 0
    if result == "pass" and appended:
        result, detail = "length-tag", f"{appended} octets follow those that l= covers"
    return Outcome(result, detail, signature, key, secure, appended, intact)
