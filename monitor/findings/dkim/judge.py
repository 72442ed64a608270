"""Findings about the signatures of a message."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any, Literal

from monitor.events import Finding, Severity
from monitor.findings.catalogue import finding
from monitor.findings.dkim.verify import Outcome
from monitor.text import clip, printable

__all__ = ["SAFE_BITS", "Alignment", "facts", "judge", "unsettled_domains", "valid_domains"]

SAFE_BITS = 2_048  # RFC 8301 3.2: signers should use this many
MAX_TOLD = 50  # signed field names that the evidence lists
MAX_NAME = 78  # characters of each

Alignment = Literal["exact", "aligned", "none"]


def valid_domains(outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    """d= of every valid signature, each once."""
    return tuple(dict.fromkeys(o.signature.domain for o in outcomes if o.passed and o.signature))


def unsettled_domains(outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    """d= of every signature whose key could not be had for now, each once."""
    return tuple(
        dict.fromkeys(
            o.signature.domain for o in outcomes if o.result == "temperror" and o.signature
        )
    )


def facts(outcome: Outcome) -> Hashable:
    """All that is told of a valid signature; None where that is of one message alone."""
    signature, key = outcome.signature, outcome.key
    if not outcome.passed or signature is None or key is None:
        return None
    if signature.expires is not None or b"atps" in signature.tags:
        return None
    return signature.signer, signature.length, key.kind, key.bits, key.testing, outcome.secure


def judge(
    outcomes: Sequence[Outcome],
    more: int,
    author: str,
    alignment: Callable[[str], Alignment],
    atps: str = "",
) -> list[Finding]:
    """The findings about all signatures of one message.

    ``more`` signatures were not looked at. ``author`` is the author domain, "" where there
    is not exactly one; ``alignment`` tells how a d= stands to it; ``atps`` is the d= that
    the author domain authorises by RFC 6541, "" for none.
    """
    found: list[Finding] = []
    for outcome in outcomes:
        found.extend(_signature(outcome))
    if more:
        found.append(
            finding(
                "dkim.too-many-signatures",
                f"{len(outcomes)} signatures were verified, {more} were not",
                verified=len(outcomes),
                ignored=more,
            )
        )
    if not outcomes:
        found.append(finding("dkim.none"))
    domains = valid_domains(outcomes)
    if domains and author:
        found.append(_author(domains, author, alignment))
    if atps:
        found.append(finding("dkim.atps", f"{author} authorises {atps}", author=author, d=atps))
    return found


def _author(
    domains: tuple[str, ...], author: str, alignment: Callable[[str], Alignment]
) -> Finding:
    by_domain = {domain: alignment(domain) for domain in domains}
    for degree in ("exact", "aligned"):
        for domain, this in by_domain.items():
            if this == degree:
                return finding(
                    "dkim.author-domain",
                    f"{domain} signed for {author}",
                    d=domain,
                    author=author,
                    alignment=this,
                )
    return finding(
        "dkim.third-party",
        f"{', '.join(domains)} signed; the author's domain is {author}",
        d=list(domains),
        author=author,
        alignment="none",
    )


def _signature(outcome: Outcome) -> Iterator[Finding]:
    evidence = _evidence(outcome)
    # l= by itself is a weakness; text that was appended makes the signature worthless.
    severity: Severity | None = "error" if outcome.result == "length-tag" else None
    yield finding(f"dkim.{outcome.result}", outcome.detail, severity=severity, **evidence)
    signature, key = outcome.signature, outcome.key
    if signature is None:
        return
    base: dict[str, Any] = {"d": signature.domain, "s": signature.signer.selector}
    if signature.length is not None and outcome.result != "length-tag":
        detail = f"l={signature.length}: text can be added without breaking the signature"
        yield finding("dkim.length-tag", detail, **base, length=signature.length)
    if key is None:
        return
    if key.kind == "rsa" and outcome.passed and key.bits < SAFE_BITS:
        yield finding("dkim.key-1024", f"{key.bits}-bit RSA key", **base, bits=key.bits)
    if key.testing:
        yield finding("dkim.testing", "t=y in the key record", **base)
    if outcome.secure is False:
        detail = f"{signature.key_name} is not signed with DNSSEC"
        yield finding("dkim.key-unprotected", detail, **base, dnssec="insecure")


def _evidence(outcome: Outcome) -> dict[str, Any]:
    signature, key = outcome.signature, outcome.key
    if signature is None:
        return {}
    signer = signature.signer
    evidence: dict[str, Any] = {
        "d": signer.domain,
        "s": signer.selector,
        "algorithm": signer.algorithm,
        "canonicalization": f"{signer.header_canon}/{signer.body_canon}",
        "signed": _told(signer.signed),
    }
    if key:
        evidence["bits"] = key.bits
        evidence["dnssec"] = {True: "secure", False: "insecure", None: "unknown"}[outcome.secure]
    if outcome.header_intact is not None and not outcome.passed:
        evidence["header"] = "intact" if outcome.header_intact else "changed"
    if signature.length is not None:
        evidence["length"] = signature.length
        evidence["appended"] = outcome.appended
    if signature.expires is not None:
        evidence["expires"] = signature.expires
    return evidence


def _told(signed: Sequence[bytes]) -> list[str]:
    """Names of fields, which have no colon in them, as text."""
    names = printable(b":".join(signed[:MAX_TOLD])).split(":")
    return [name if len(name) <= MAX_NAME else clip(name, MAX_NAME) for name in names]
