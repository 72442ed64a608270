"""What a list entry could be about, given a transaction."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address, ip_network

from monitor.policy.entry import Draft, Entry, Kind
from monitor.record import Record

__all__ = ["KIND_LABELS", "draft_of", "pool", "suggest", "tell"]

KIND_LABELS: dict[Kind, str] = {
    "ip": "address",
    "net": "network",
    "helo": "HELO",
    "sender": "sender",
    "domain": "domain",
    "dkim": "DKIM",
}


def suggest(record: Record) -> dict[Kind, str]:
    """A value for each kind of entry that ``record`` has one for."""
    found: dict[Kind, str] = {"ip": record.client.ip, "net": _network(record.client.ip)}
    if record.client.helo:
        found["helo"] = record.client.helo
    if record.mail_from is not None:
        found["sender"] = record.mail_from or "<>"
    domain = (record.mail_from or "").rpartition("@")[2]
    if not domain and record.message:
        domain = record.message.from_.rpartition("@")[2].rstrip(">")
    if domain:
        found["domain"] = domain
    for finding in record.findings:
        signer = finding.evidence.get("d")
        if finding.code == "dkim.pass" and isinstance(signer, str):
            found.setdefault("dkim", signer)
    return {kind: value for kind, value in found.items() if value}


def pool(record: Record) -> tuple[dict[Kind, str], Kind]:
    """The same for the whole pool of its client, and the kind that means it: the domain that SPF
    proves, else the network."""
    about = suggest(record)
    spf = next((f.evidence.get("domain") for f in record.findings if f.code == "spf.pass"), None)
    if isinstance(spf, str) and spf:
        return {**about, "domain": spf}, "domain"
    return about, "net"


def tell(entries: Sequence[Entry]) -> str:
    """Entries in a few words."""
    if len(entries) > 1:
        return f"{len(entries)} entries"
    [entry] = entries
    return f"{entry.list} {entry.kind} {entry.value}"


def draft_of(entry: Entry, now: float) -> Draft:
    """A draft that puts ``entry`` in force again, for the time that it had left."""
    lifetime = max(1.0, entry.expires.timestamp() - now) if entry.expires else None
    return Draft(
        list=entry.list,
        kind=entry.kind,
        value=entry.value,
        action=entry.action,
        reason=entry.reason,
        lifetime=lifetime,
    )


def _network(ip: str) -> str:
    try:
        prefix = 24 if ip_address(ip).version == 4 else 64
    except ValueError:
        return ""
    return str(ip_network(f"{ip}/{prefix}", strict=False))
