"""TLS: how a session was secured, why it was not, and what came of it (RFC 3207, 7672, 8461)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from monitor import events as ev
from monitor.findings.catalogue import finding
from monitor.findings.memory import Memory
from monitor.findings.views import Session

KIND = "tls-failed"
FALLBACK = 600.0  # seconds after a failed handshake in which plaintext is a fallback
MIN_BITS = 128

OLD_PROTOCOLS = ("SSLv2", "SSLv3", "TLSv1", "TLSv1.0", "TLSv1.1")

_NO_SHARED = re.compile(r"no[ _]shared[ _]cipher", re.IGNORECASE)
_WEAK = (
    (re.compile(r"RC4|ARC4"), "RC4 (RFC 7465)"),
    (re.compile(r"NULL"), "no encryption"),
    (re.compile(r"EXP(?:ORT)?[-_\d]"), "export grade"),
    (re.compile(r"3DES|DES-CBC3"), "triple DES, with 64-bit blocks (RFC 9325 4.1)"),
    (re.compile(r"\bDES\b|_DES_"), "DES"),
    (re.compile(r"IDEA|SEED|RC2"), "an obsolete cipher"),
    (re.compile(r"-MD5$|_MD5$"), "MD5"),
)


class _Failure(msgspec.Struct, array_like=True):
    at: float
    session: str
    reason: str


class Tls:
    """A discipline. Remembers failed handshakes by client address, for the fallback."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self.hears: Mapping[type[ev.Event], Callable[..., Iterable[ev.Finding]]] = {
            ev.Secured: self._secured,
            ev.TlsFailed: self._tls_failed,
            ev.Mail: self._mail,
            ev.Ended: self._ended,
        }

    def __call__(self, view: Session, event: ev.Event) -> Iterable[ev.Finding]:
        """The findings that became known by ``event``."""
        take = self.hears.get(type(event))
        return take(view, event) if take else ()

    def _secured(self, view: Session, event: ev.Secured) -> Iterable[ev.Finding]:
        return _secured(event) if event.side == "client" else ()

    def _tls_failed(self, view: Session, event: ev.TlsFailed) -> Iterable[ev.Finding]:
        if event.side != "client":
            return ()
        self._remember(view.opened.ip, event)
        return (_failed(event),)

    def _mail(self, view: Session, event: ev.Mail) -> Iterable[ev.Finding]:
        return self._plaintext(view, event) if view.tls is None else ()

    def _ended(self, view: Session, event: ev.Ended) -> Iterable[ev.Finding]:
        if view.tls is None and event.state in ("accepted", "accepted-unacknowledged"):
            return (self._would_refuse(view, event),)
        return ()

    def _remember(self, ip: str, event: ev.TlsFailed) -> None:
        failure = _Failure(event.at, event.session, event.reason)
        self._memory.put(KIND, ip, msgspec.msgpack.encode(failure), event.at + FALLBACK)

    def _failure(self, view: Session, at: float) -> _Failure | None:
        raw = self._memory.get(KIND, view.opened.ip)
        failure = msgspec.msgpack.decode(raw, type=_Failure) if raw else None
        return failure if failure and 0 <= at - failure.at <= FALLBACK else None

    def _plaintext(self, view: Session, mail: ev.Mail) -> Iterable[ev.Finding]:
        offered = "STARTTLS" in view.extensions
        detail = "STARTTLS was offered and not used" if offered else "STARTTLS was not offered"
        failure = self._failure(view, mail.at)
        if failure is None:
            severity: ev.Severity = "notice" if offered else "info"
            yield finding("tls.none", detail, severity=severity, offered=offered)
            return
        yield finding("tls.none", "the handshake had failed", offered=offered)
        yield finding(
            "tls.plaintext-fallback",
            f"plaintext {mail.at - failure.at:.0f} s after a failed handshake",
            seconds=round(mail.at - failure.at, 3),
            same_session=failure.session == view.id,
            failed_session=failure.session,
            reason=failure.reason,
        )

    def _would_refuse(self, view: Session, ended: ev.Ended) -> ev.Finding:
        failure = self._failure(view, ended.at)
        offered = "STARTTLS" in view.extensions
        return finding(
            "tls.mta-sts-would-refuse",
            "delivered in plaintext" + (" after a failed handshake" if failure else ""),
            severity="warning" if failure else "notice",
            handshake_failed=failure is not None,
            offered=offered,
            # Only a sender that validates MTA-STS would lose mail, and none says whether it does.
            risk="unknown",
        )


def _secured(tls: ev.Secured) -> Iterable[ev.Finding]:
    agreed: dict[str, Any] = {"protocol": tls.protocol, "cipher": tls.cipher, "bits": tls.bits}
    yield finding("tls.ok", f"{tls.protocol}, {tls.cipher}", **agreed)
    if tls.protocol in OLD_PROTOCOLS:
        yield finding("tls.old-protocol", f"{tls.protocol} is obsolete (RFC 8996)", **agreed)
    if reason := weakness(tls.cipher, tls.bits):
        yield finding("tls.weak-cipher", f"{tls.cipher}: {reason}", reason=reason, **agreed)


def weakness(cipher: str, bits: int = 0) -> str:
    """What is weak about a cipher suite, by its name in OpenSSL or IANA form; "" for nothing.

    Anonymous suites are none: mail is encrypted opportunistically, without authentication.
    """
    for pattern, reason in _WEAK:
        if pattern.search(cipher):
            return reason
    return f"{bits} bits" if 0 < bits < MIN_BITS else ""


def _failed(failure: ev.TlsFailed) -> ev.Finding:
    evidence: dict[str, Any] = {
        "reason": failure.reason,
        "alert": failure.alert,
        "offered_protocols": _listed(failure.offered_protocols),
        "offered_ciphers": _listed(failure.offered_ciphers),
        "accepted_protocols": _listed(failure.accepted_protocols),
        "accepted_ciphers": _listed(failure.accepted_ciphers),
    }
    if _disjoint(failure.offered_protocols, failure.accepted_protocols):
        return finding("tls.handshake-failed", "no protocol version in common", **evidence)
    if _NO_SHARED.search(failure.reason) or _disjoint(
        failure.offered_ciphers, failure.accepted_ciphers
    ):
        return finding("tls.no-shared-cipher", "no cipher suite in common", **evidence)
    return finding("tls.handshake-failed", failure.alert or failure.reason, **evidence)


def _disjoint(offered: tuple[str, ...] | None, accepted: tuple[str, ...]) -> bool:
    return bool(offered and accepted) and set(offered or ()).isdisjoint(accepted)


def _listed(names: tuple[str, ...] | None) -> list[str] | None:
    return None if names is None else list(names)
