"""The relay's own certificate: whom it names, how long it is good, who signed it."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator

import msgspec
from cryptography import x509

from monitor.doctor.check import Check, Subject
from monitor.text import printable

__all__ = ["Files", "judge"]

SOON = 14  # days
NEAR = 30

_SAY = Subject("certificate")


class Files(msgspec.Struct, frozen=True, kw_only=True):
    """What was found on the disk."""

    enabled: bool = True
    fault: str = ""  # why it cannot be used
    problem: str = ""  # what is unsafe about it
    pem: bytes = b""  # the certificates; b"" where the relay will make one at its first start


def judge(files: Files, names: Iterable[str], now: float) -> Iterator[Check]:
    """``names`` are those under which clients look for the relay; ``now`` is epoch seconds."""
    if not files.enabled:
        mend = "Set tls.enabled = true: without STARTTLS all mail comes in the clear."
        yield _SAY.warning("STARTTLS", "tls.enabled = false", mend)
        return
    if files.fault:
        yield _SAY.error(
            "file", files.fault, "Give tls.certificate and tls.key that belong together."
        )
        return
    if files.problem:
        yield _SAY.warning("file", files.problem, "Let only the relay's user read the private key.")
    if not files.pem:
        yield _SAY.skipped("names", "none yet: the first start makes a self-signed one")
        return
    try:
        leaf = x509.load_pem_x509_certificates(files.pem)[0]
    except ValueError as error:
        yield _SAY.error("file", printable(str(error), 200), "Give a certificate in PEM form.")
        return
    yield _expiry(leaf, datetime.datetime.fromtimestamp(now, datetime.UTC))
    yield _names(leaf, list(dict.fromkeys(name.lower() for name in names)))
    if leaf.issuer == leaf.subject:
        mend = "Give it one of a public CA, for senders that verify (MTA-STS), or publish TLSA."
        yield _SAY.notice("issuer", "self-signed", mend)
    else:
        yield _SAY.ok("issuer", printable(leaf.issuer.rfc4514_string(), 200))


def _expiry(leaf: x509.Certificate, now: datetime.datetime) -> Check:
    ends = leaf.not_valid_after_utc
    days, told = (ends - now).days, f"good until {ends:%Y-%m-%d}"
    if now < leaf.not_valid_before_utc:
        mend = "Set the clock right, or wait: it is not good yet."
        return _SAY.error("expiry", f"good from {leaf.not_valid_before_utc:%Y-%m-%d}", mend)
    renew = "Renew it; mxtap reads new files by itself."
    if days < 0:
        return _SAY.error("expiry", f"expired {ends:%Y-%m-%d}", renew)
    if days < SOON:
        return _SAY.warning("expiry", f"{told}: {days} days left", renew)
    if days < NEAR:
        return _SAY.notice("expiry", f"{told}: {days} days left", renew)
    return _SAY.ok("expiry", told)


def _names(leaf: x509.Certificate, wanted: list[str]) -> Check:
    try:
        extension = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        named = [name.lower() for name in extension.value.get_values_for_type(x509.DNSName)]
    except x509.ExtensionNotFound:
        named = []
    told = printable(", ".join(named) or "no name", 200)
    missing = [name for name in wanted if not _covered(name, named)]
    if missing:
        mend = "Have it made out to every MX name of this host, as DNS names (RFC 6125)."
        return _SAY.warning("names", f"{told}; not {', '.join(missing)}", mend)
    return _SAY.ok("names", told)


def _covered(name: str, named: list[str]) -> bool:
    return name in named or f"*.{name.partition('.')[2]}" in named
