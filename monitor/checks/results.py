"""The Authentication-Results field (RFC 8601): ours is written, forged ones are taken out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import authres
from authres.arc import ARCAuthenticationResult
from authres.core import (
    AuthenticationResult,
    DKIMAuthenticationResult,
    SPFAuthenticationResult,
)
from authres.dmarc import DMARCAuthenticationResult

from monitor.findings.arc import Verdict
from monitor.findings.dkim.verify import Outcome
from monitor.findings.dkim.verify import Result as DkimResult
from monitor.findings.dmarc.evaluate import Evaluation
from monitor.findings.mailbox import ascii_domain
from monitor.findings.message import fields

__all__ = ["field", "strip_forged"]

# RFC 8601 2.7.1: "policy" is a signature that verifies, or would, and is not accepted.
_DKIM: dict[DkimResult, str] = {
    "pass": "pass",
    "fail-body": "fail",
    "fail-signature": "fail",
    "malformed": "neutral",
    "no-key": "permerror",
    "key-revoked": "permerror",
    "key-malformed": "permerror",
    "key-short": "policy",
    "expired": "policy",
    "temperror": "temperror",
    "sha1": "policy",
    "length-tag": "policy",
    "from-unsigned": "policy",
}

_ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@")
_NAME = b"authentication-results"
_ID = re.compile(rb'"((?:[^"\\]|\\.)*+)"|([^\s;()"]++)', re.DOTALL)
_QUOTED_PAIR = re.compile(rb"\\(.)", re.DOTALL)
_SPACE = re.compile(rb"[ \t\r\n]*+")
_COMMENT = re.compile(rb"\\.|[()]", re.DOTALL)


def field(
    authserv_id: str,
    *,
    spf: str = "",
    mail_from: str = "",
    helo: str = "",
    signatures: Sequence[Outcome] = (),
    dmarc: Evaluation | None = None,
    arc: Verdict | None = None,
) -> str:
    """The whole field in ASCII, folded, with its name and last CRLF.

    ``spf`` is the word of RFC 7208, "" where it was not checked. Without any result the
    field says "none". What came from the network stands in it only where it is plain
    syntax: an address that is not leaves its domain, a domain that is not leaves nothing.
    """
    results: list[AuthenticationResult] = []
    if spf:
        sender = _address(mail_from)
        identity = {"smtp_mailfrom": sender} if mail_from else {"smtp_helo": _domain(helo)}
        results.append(SPFAuthenticationResult(result=spf, **identity))
    results.extend(_dkim(outcome) for outcome in signatures)
    if dmarc:
        results.append(
            DMARCAuthenticationResult(
                result=dmarc.result, header_from=dmarc.author or None, policy=dmarc.policy
            )
        )
    if arc:
        results.append(ARCAuthenticationResult(result=arc.status))
    header = authres.AuthenticationResultsHeader(authserv_id=authserv_id, results=results)
    none = "" if results else ";\r\n\tnone"
    lines = "".join(f";\r\n\t{result}" for result in results) or none
    return f"Authentication-Results: {header.authserv_id}{lines}\r\n"


def _dkim(outcome: Outcome) -> AuthenticationResult:
    signature = outcome.signature
    if signature is None:
        return DKIMAuthenticationResult(result=_DKIM[outcome.result])
    return DKIMAuthenticationResult(
        result=_DKIM[outcome.result],
        header_d=signature.domain,
        header_s=signature.signer.selector,
        header_a=signature.algorithm,
    )


def _address(address: str) -> str | None:
    local, at, domain = address.rpartition("@")
    safe = _domain(domain)
    return f"{local}@{safe}" if safe and _ADDRESS.fullmatch(local + at) else safe


def _domain(domain: str) -> str | None:
    return ascii_domain(domain.encode("utf-8", "surrogateescape"))


def strip_forged(header: bytes, authserv_id: str) -> bytes:
    """``header`` without the Authentication-Results fields that claim ``authserv_id``.

    RFC 8601 5: of any version, in any case, with comments or folds; every other byte
    stays. Linear time.
    """
    if _NAME not in header.lower():
        return header
    ours = authserv_id.encode("utf-8").lower()
    kept: list[bytes] = []
    end = 0
    for start, stop in _forged(header, ours):
        kept.append(header[end:start])
        end = stop
    kept.append(header[end:])
    return b"".join(kept)


def _forged(header: bytes, ours: bytes) -> Iterator[tuple[int, int]]:
    for match in fields(header):
        if match[1].lower() == _NAME:
            raw = match[0]
            if _claimed(raw[raw.index(b":") + 1 :]) == ours:
                yield match.span()


def _claimed(value: bytes) -> bytes:
    """The authserv-id of a field, in lower case; comments before it are passed over."""
    at = _after_comments(value)
    match = _ID.match(value, at)
    if match is None:
        return b""
    quoted, plain = match.groups()
    return (plain if quoted is None else _QUOTED_PAIR.sub(rb"\1", quoted)).lower()


def _after_comments(value: bytes) -> int:
    """Where CFWS (RFC 5322 3.2.2) at the start ends."""
    at = depth = 0
    while True:
        if not depth:
            at = _SPACE.match(value, at).end()  # type: ignore[union-attr]
            if value[at : at + 1] != b"(":
                return at
        mark = _COMMENT.search(value, at)
        if mark is None:
            return len(value)
        depth += {b"(": 1, b")": -1}.get(mark[0], 0)
        at = mark.end()
