"""The chain of ARC seals (RFC 8617 5.2).

dkimpy's verifier hashes the whole body again for every set, computes RSA with Python
integers, and checks every message signature although the latest alone counts. This one
stands on the parts of :mod:`monitor.findings.dkim`; the tests hold it to the public suite
and to chains that dkimpy sealed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal, NamedTuple

import msgspec

from monitor.events import Finding
from monitor.findings.answers import Ask, NeedAnswer, Question
from monitor.findings.catalogue import finding
from monitor.findings.dkim.body import Digest, Want
from monitor.findings.dkim.header import relaxed, without_value
from monitor.findings.dkim.syntax import Malformed, Signature, parse
from monitor.findings.dkim.verify import Outcome, check, lookup
from monitor.findings.message import Header

__all__ = ["MAX_BYTES", "MAX_SETS", "Chain", "Verdict", "judge", "read", "verify"]

MAX_SETS = 50  # RFC 8617 5.1.1.1
MAX_BYTES = 256 * 1024  # of all ARC fields: each seal covers those before it

_NAMES = (b"arc-authentication-results", b"arc-message-signature", b"arc-seal")
_NONE = finding("arc.none")
_Fields = dict[bytes, tuple[bytes, int]]  # by name: a text, and its number among its name's
_INSTANCE = re.compile(rb"(?:^|;)[ \t\r\n]*i[ \t\r\n]*=[ \t\r\n]*([0-9]{1,4})[ \t\r\n]*(?:;|$)")


class ArcSet(NamedTuple):
    """One set, as one handler added it."""

    results: bytes  # the text of ARC-Authentication-Results
    message: Signature
    seal: Signature


class Chain(msgspec.Struct, frozen=True):
    """The sets in their order. ``fault`` says what is wrong with their form."""

    sets: tuple[ArcSet, ...] = ()
    fault: str = ""
    present: bool = True

    @property
    def wants(self) -> frozenset[Want]:
        """The body hash that verifying takes: of the latest message signature."""
        return frozenset((self.sets[-1].message.want,)) if self.sets else frozenset()


_ABSENT = Chain(present=False)


class Verdict(msgspec.Struct, frozen=True):
    """The chain's status. ``temporary`` where it could not be told for want of an answer."""

    status: Literal["pass", "fail", "none"]
    detail: str = ""
    sealers: tuple[str, ...] = ()  # d= of each seal, from the first
    temporary: bool = False


def read(header: Header) -> Chain:
    """The chain in a header; its form is checked (RFC 8617 5.2 steps 1 to 3)."""
    if not header.has(_NAMES):
        return _ABSENT
    fields = [
        (name, text, number) for name in _NAMES for number, text in enumerate(header.all(name))
    ]
    if header.clipped or sum(len(text) for _, text, _ in fields) > MAX_BYTES:
        return Chain(fault="the header is too long")
    by_instance: dict[int, _Fields] = {}
    for name, text, number in fields:
        instance = _instance(text)
        if not 1 <= instance <= MAX_SETS:
            return Chain(fault="an ARC field without an instance number of 1 to 50")
        this = by_instance.setdefault(instance, {})
        if name in this:
            return Chain(fault=f"two fields of one name in set {instance}")
        this[name] = text, number
    sets: list[ArcSet] = []
    for instance in range(1, len(by_instance) + 1):
        found = by_instance.get(instance, {})
        if len(found) < len(_NAMES):
            return Chain(fault=f"set {instance} is not complete")
        try:
            sets.append(_set(instance, found))
        except Malformed as fault:
            return Chain(fault=f"set {instance}: {fault}")
    return Chain(tuple(sets))


def _instance(text: bytes) -> int:
    match = _INSTANCE.search(text)
    return int(match[1]) if match else 0


def _set(instance: int, found: _Fields) -> ArcSet:
    (results, _), (message, nth), (seal, n) = (found[name] for name in _NAMES)
    this = ArcSet(results, parse(message, "message", nth), parse(seal, "seal", n))
    if "rsa-sha1" in (this.message.algorithm, this.seal.algorithm):
        raise Malformed("rsa-sha1 is not allowed")
    if b"arc-seal" in this.message.signer.signed:
        raise Malformed("the message signature covers ARC-Seal")
    if b"h" in this.seal.tags:
        raise Malformed("the seal has h=")
    status = this.seal.tags[b"cv"].lower()
    if status != (b"none" if instance == 1 else b"pass"):
        raise Malformed("the seal says cv=fail" if status == b"fail" else "cv= is wrong")
    return this


def verify(chain: Chain, header: Header, bodies: Mapping[Want, Digest], ask: Ask) -> Verdict:
    """Verify the latest message signature and every seal (RFC 8617 5.2 steps 4 and 6).

    Raises NeedAnswer once, with every key that is still to be asked for.
    """
    if not chain.present:
        return Verdict("none")
    sealers = tuple(each.seal.domain for each in chain.sets)
    if chain.fault:
        return Verdict("fail", chain.fault, sealers)
    latest = chain.sets[-1].message
    keys = _keys([latest, *(each.seal for each in chain.sets)], ask)
    for found in keys:
        if not found.passed:
            return Verdict("fail", found.detail, sealers, temporary=found.result == "temperror")
    key = keys[0].key
    assert key is not None
    outcome = check(latest, key, None, header, {}, bodies[latest.want])
    if not outcome.passed:
        return Verdict("fail", f"latest message signature: {outcome.detail}", sealers)
    covered = b""
    for instance, (each, found) in enumerate(zip(chain.sets, keys[1:], strict=True), 1):
        covered += relaxed(_NAMES[0], each.results) + relaxed(_NAMES[1], each.message.text)
        own = relaxed(_NAMES[2], without_value(each.seal.text, each.seal.tags)).removesuffix(
            b"\r\n"
        )
        if found.key is None or not found.key.verifies(each.seal.value, covered + own):
            return Verdict("fail", f"seal {instance} does not verify", sealers)
        covered += relaxed(_NAMES[2], each.seal.text)
    return Verdict("pass", "", sealers)


def _keys(signatures: list[Signature], ask: Ask) -> list[Outcome]:
    found: list[Outcome] = []
    missing: dict[Question, None] = {}
    for signature in signatures:
        try:
            found.append(lookup(signature, ask))
        except NeedAnswer as need:
            missing.update(dict.fromkeys(need.questions))
    if missing:
        raise NeedAnswer(*missing)
    return found


def judge(verdict: Verdict) -> Finding:
    """The finding about the chain."""
    if verdict.status == "none":
        return _NONE
    return finding(
        f"arc.{verdict.status}",
        verdict.detail or f"sealed by {', '.join(verdict.sealers)}",
        severity="info" if verdict.temporary else None,
        instances=len(verdict.sealers),
        sealers=list(verdict.sealers),
    )
