"""What a domain of ours asks of those who send to it: MTA-STS, TLS reports, DANE."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence

import msgspec
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from monitor.doctor.check import Check, Subject
from monitor.findings.answers import Answer
from monitor.text import printable, unescape

__all__ = ["Host", "Policy", "Published", "check_dane", "check_mta_sts", "check_tls_rpt", "parse"]

MAX_AGE = 31_557_600  # seconds; RFC 8461 3.2
WEEK = 7 * 86_400
MAX_SHOWN = 3

_ID = re.compile(r"v=STSv1[ \t]*;[ \t]*id=[A-Za-z0-9]{1,32}[ \t]*(?:;.*)?")
_TLSRPT = re.compile(r"v=TLSRPTv1[ \t]*;[ \t]*rua=([^;]+?)[ \t]*(?:;.*)?")
_RUA = re.compile(r"(?:mailto:[^\s@,!]+@[^\s@,!]+|https://[^\s,!]+)")


class Host(msgspec.Struct, frozen=True, kw_only=True):
    """What an MX host shows to a client that asks for STARTTLS."""

    name: str
    fault: str = ""  # why no certificate was seen
    distrust: str = ""  # why it is not valid for this name by the machine's roots
    chain: tuple[bytes, ...] = ()  # DER, the host's own first; maybe only that one


class Published(msgspec.Struct, frozen=True, kw_only=True):
    """What came from https://mta-sts.DOMAIN/.well-known/mta-sts.txt."""

    fault: str = ""  # why nothing came that counts
    text: str = ""
    kind: str = ""  # its Content-Type
    date: float | None = None  # the web server's clock, epoch seconds


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """A policy file (RFC 8461 3.2)."""

    mode: str
    max_age: int  # seconds
    mx: tuple[str, ...] = ()

    def covers(self, host: str) -> bool:
        """Whether a pattern is of this host (RFC 8461 4.1)."""
        parent = host.partition(".")[2]
        return any(
            p == host or (p.startswith("*.") and p[2:] == parent) for p in map(str.lower, self.mx)
        )


def parse(text: str) -> Policy:
    """Read a policy file. Raises ValueError that names what is wrong."""
    values: dict[str, str] = {}
    patterns: list[str] = []
    for line in text.splitlines():
        key, colon, value = (part.strip() for part in line.partition(":"))
        if not line.strip():
            continue
        if not colon:
            raise ValueError(f"{printable(line, 60)!r} is not key: value")
        if key == "mx":
            patterns.append(value)
        else:
            values.setdefault(key, value)
    if values.get("version") != "STSv1":
        raise ValueError("there is no version: STSv1")
    mode, age = values.get("mode", ""), values.get("max_age", "")
    if mode not in ("enforce", "testing", "none"):
        raise ValueError(f"mode: {printable(mode, 30)!r} is not enforce, testing or none")
    if not re.fullmatch(r"[0-9]{1,10}", age) or int(age) > MAX_AGE:
        raise ValueError(f"max_age: {printable(age, 30)!r} is not a number up to {MAX_AGE}")
    if not patterns and mode != "none":
        raise ValueError("there is no mx:")
    return Policy(mode=mode, max_age=int(age), mx=tuple(patterns))


def check_mta_sts(
    domain: str, record: Answer, published: Published | None, hosts: Sequence[Host]
) -> list[Check]:
    """MTA-STS: the TXT record, the policy file, and whether our MX hosts keep what it says.

    ``published`` is None where the record gives no reason to fetch the file.
    """
    say = Subject(domain)
    texts = [text for text in _texts(record) if text.startswith("v=STSv1")]
    if record.failed:
        mend = "Make every name server of it answer."
        return [say.warning("MTA-STS", f"no answer for {record.name} TXT", mend)]
    if not texts:
        mend = f'Publish "v=STSv1; id=1" at _mta-sts.{domain} and a policy at mta-sts.{domain}.'
        return [say.notice("MTA-STS", "no policy: senders may be led to plaintext", mend)]
    if len(texts) > 1 or not _ID.fullmatch(texts[0]):
        mend = f'Publish one TXT record of the form "v=STSv1; id=20260101" at _mta-sts.{domain}.'
        return [say.error("MTA-STS", f"the record does not count: {texts[0][:80]}", mend)]
    if published is None or published.fault:
        why = published.fault if published else "it was not fetched"
        mend = f"Serve the policy at https://mta-sts.{domain}/.well-known/mta-sts.txt."
        return [say.error("MTA-STS", f"no policy file: {why}", mend)]
    try:
        policy = parse(published.text)
    except ValueError as error:
        return [
            say.error("MTA-STS", f"policy file: {error}", "Mend the policy file: RFC 8461 3.2.")
        ]
    return _keeps(say, policy, published, hosts)


def _keeps(
    say: Subject, policy: Policy, published: Published, hosts: Sequence[Host]
) -> list[Check]:
    told = f"mode {policy.mode}, max_age {policy.max_age}"
    if policy.mode == "none":
        mend = "Set mode: testing, and enforce when the TLS reports are clean."
        return [say.notice("MTA-STS", told, mend)]
    tell = say.error if policy.mode == "enforce" else say.warning
    found: list[Check] = []
    for host in hosts:
        if not policy.covers(host.name):
            mend = f"Add mx: {host.name} to the policy file, and change the id of the record."
            found.append(tell("MTA-STS", f"{told}: {host.name} is in no mx: line", mend))
        elif host.chain and host.distrust:
            mend = f"Give {host.name} a certificate of a public CA for its own name."
            found.append(tell("MTA-STS", f"{told}: {host.name}: {host.distrust}", mend))
    if policy.mode == "testing":
        mend = "Set mode: enforce when the TLS reports are clean."
        found.append(say.notice("MTA-STS", told, mend))
    if policy.max_age < WEEK:
        mend = "Raise max_age to some weeks: what is forgotten soon protects little."
        found.append(say.notice("MTA-STS", told, mend))
    if published.kind.partition(";")[0].strip().lower() != "text/plain":
        mend = "Serve the policy file as text/plain."
        found.append(say.notice("MTA-STS", f"Content-Type: {published.kind}", mend))
    return found or [say.ok("MTA-STS", told)]


def check_tls_rpt(domain: str, record: Answer) -> Check:
    """Where senders report their TLS failures to (RFC 8460 3)."""
    say = Subject(domain)
    if record.failed:
        mend = "Make every name server of it answer."
        return say.warning("TLS-RPT", f"no answer for {record.name} TXT", mend)
    texts = [text for text in _texts(record) if text.startswith("v=TLSRPTv1")]
    mend = f'Publish one TXT record "v=TLSRPTv1; rua=mailto:…" at _smtp._tls.{domain}.'
    if not texts:
        return say.notice("TLS-RPT", "no record: nobody tells of failed TLS", mend)
    found = _TLSRPT.fullmatch(texts[0])
    if len(texts) > 1 or found is None:
        return say.error("TLS-RPT", f"the record does not count: {texts[0][:80]}", mend)
    uris = [uri.strip() for uri in found[1].split(",")]
    if wrong := [uri for uri in uris if not _RUA.fullmatch(uri)]:
        return say.error("TLS-RPT", f"{wrong[0][:60]} is neither mailto: nor https:", mend)
    return say.ok("TLS-RPT", ", ".join(uris)[:200])


def check_dane(
    domain: str,
    records: Mapping[str, Answer],
    addresses: Mapping[str, Answer],
    hosts: Sequence[Host],
) -> list[Check]:
    """TLSA records of the MX hosts, and whether they are of the certificate that is shown.

    ``records`` and ``addresses`` are the TLSA and A answers by host name.
    """
    say = Subject(domain)
    return [_dane(say, host, records[host.name], addresses[host.name]) for host in hosts]


def _dane(say: Subject, host: Host, tlsa: Answer, address: Answer) -> Check:
    where = f"_25._tcp.{host.name}"
    if tlsa.failed:
        mend = "Make its name servers answer TLSA: senders with DANE defer all mail until then."
        return say.error("DANE", f"no answer for {where} TLSA", mend)
    if not tlsa.records:
        if address.secure is not True:
            return say.skipped("DANE", f"{host.name} is not in a signed zone, as far as is known")
        mend = f"Publish a TLSA record 3 1 1 at {where}: the zone is signed already."
        return say.notice("DANE", "no TLSA record", mend)
    if tlsa.secure is None:
        return say.skipped("DANE", "whether the TLSA records are signed is unknown: see DNSSEC")
    if not tlsa.secure:
        mend = f"Sign the zone of {host.name}: unsigned TLSA records count for nothing."
        return say.warning("DANE", f"{where} is not signed", mend)
    shown = "; ".join(record[:40] for record in tlsa.records[:MAX_SHOWN])
    usable = [record for record in tlsa.records if record.split()[0] in ("2", "3")]
    if not usable:
        mend = "Publish usage 3 (or 2): RFC 7672 3.1.3 gives no meaning to 0 and 1 for mail."
        return say.error("DANE", f"{where}: {shown}", mend)
    if not host.chain:
        return say.skipped("DANE", f"{shown}; not compared: {host.fault}")
    if any(_matches(record, host.chain) for record in usable):
        return say.ok("DANE", f"{where} matches: {shown}")
    mend = "Publish the TLSA record of the certificate in use: senders with DANE refuse it now."
    return say.error("DANE", f"{where} does not match the certificate: {shown}", mend)


def _matches(record: str, chain: Sequence[bytes]) -> bool:
    """RFC 6698 2.1: usage, selector, matching type, and the association data."""
    usage, selector, kind, *data = record.split()
    wanted = "".join(data).lower()
    for der in chain[:1] if usage == "3" else chain:
        material = _public_key(der) if selector == "1" else der
        digest = {"1": hashlib.sha256, "2": hashlib.sha512}.get(kind)
        if wanted == (digest(material).hexdigest() if digest else material.hex()):
            return True
    return False


def _public_key(der: bytes) -> bytes:
    """The SubjectPublicKeyInfo; b"" where it cannot be read."""
    try:
        public = x509.load_der_x509_certificate(der).public_key()
    except (ValueError, UnsupportedAlgorithm):
        return b""
    return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _texts(answer: Answer) -> list[str]:
    return [printable(unescape(record), 1_000) for record in answer.records]
