"""Who sent it: the organisation that answers for the client, and for the message.

Only what is proved counts, so that nobody spoils the name of somebody else by claiming it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal, NamedTuple

from monitor.findings.answers import canonical
from monitor.findings.dmarc.walk import registered
from monitor.findings.pools import network
from monitor.record import Record

__all__ = ["Proof", "Sender", "Senders", "senders"]

Proof = Literal["SPF and DKIM", "SPF", "DKIM", "PTR", "network"]


class Sender(NamedTuple):
    """An organisational domain, or a network; and what proved it."""

    name: str
    proof: Proof


class Senders(NamedTuple):
    """They are two where a host passes on what somebody else signed."""

    host: Sender  # answers for the client: conduct, retries, TLS, routing
    author: Sender  # answers for the message: authentication


def senders(record: Record) -> Senders:
    """Whose client it was by SPF, else by a confirmed PTR name, else its network; and whose
    message by SPF and DKIM, in default of both the client's."""
    spf = named = ""
    signers: list[str] = []
    confirmed = record.client.name
    for found in record.findings:
        match found.code:
            case "spf.pass":
                spf = _domain(found.evidence.get("domain"))
            case "dkim.author-domain":
                named = _domain(found.evidence.get("d"))
            case "dkim.pass":
                signers.append(_domain(found.evidence.get("d")))
            case "rdns.none" | "rdns.mismatch":
                confirmed = None
    host = _host(record.client.ip, spf, _domain(confirmed))
    signers = [name for name in (named, *signers) if name]
    if host.name in signers:
        both = Sender(host.name, "SPF and DKIM" if spf else "DKIM")
        return Senders(both, both)
    if spf or not signers:
        return Senders(host, host)
    return Senders(host, Sender(signers[0], "DKIM"))


def _host(ip: str, spf: str, name: str) -> Sender:
    if spf:
        return Sender(spf, "SPF")
    return Sender(name, "PTR") if name else Sender(network(ip), "network")


def _domain(name: object) -> str:
    return _organisation(name) if isinstance(name, str) and name else ""


@lru_cache(maxsize=8_192)
def _organisation(name: str) -> str:
    """The organisational domain, by the public suffix list: of history the DNS is not asked."""
    return registered(canonical(name))
