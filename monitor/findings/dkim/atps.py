"""ATPS (RFC 6541): the author's domain says who may sign for it."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence

from monitor.findings.answers import Ask
from monitor.findings.dkim.syntax import Malformed, Signature, tag_list
from monitor.findings.dkim.verify import Outcome
from monitor.findings.mailbox import ascii_domain
from monitor.text import unescape

__all__ = ["authorised"]


def authorised(outcomes: Sequence[Outcome], author: str, ask: Ask) -> str:
    """d= of the first valid signature that ``author`` authorises; "" for none.

    Only a signature that asks for it by atps= and atpsh= is looked up (RFC 6541 4.3).
    Raises NeedAnswer.
    """
    for outcome in outcomes:
        if not outcome.passed or outcome.signature is None or not author:
            continue
        name = _query(outcome.signature, author)
        if name and any(_consents(r, outcome.signature.domain) for r in ask(name, "TXT").records):
            return outcome.signature.domain
    return ""


def _query(signature: Signature, author: str) -> str:
    """The name that holds the consent (RFC 6541 4.4); "" where none is claimed."""
    if ascii_domain(signature.tags.get(b"atps", b"")) != author:
        return ""
    method = signature.tags.get(b"atpsh", b"").lower()
    if method == b"none":
        return f"{signature.domain}._atps.{author}"
    if method not in (b"sha1", b"sha256"):
        return ""
    digest = hashlib.new(method.decode(), signature.domain.encode()).digest()
    label = base64.b32encode(digest).rstrip(b"=").decode().lower()
    return f"{label}._atps.{author}"


def _consents(record: str, signer: str) -> bool:
    try:
        tags = tag_list(unescape(record))
    except Malformed:
        return False
    if tags.get(b"v", b"").upper() != b"ATPS1":
        return False
    return ascii_domain(tags.get(b"d", signer.encode())) == signer
