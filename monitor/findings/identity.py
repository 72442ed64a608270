"""The client's own name: its PTR record, and whether that leads back (RFC 8601 2.7.3)."""

from __future__ import annotations

from typing import NamedTuple

from monitor.events import Finding
from monitor.findings.address import address
from monitor.findings.answers import Ask, ask_all
from monitor.findings.catalogue import finding

__all__ = ["Identity", "check", "reverse_name"]

MAX_NAMES = 10  # PTR names that are looked at, as in RFC 7208 5.5


class Identity(NamedTuple):
    """Who the DNS says that a client is."""

    name: str | None = None  # the first confirmed PTR name, else the first of all
    confirmed: bool = False
    temporary: bool = False  # nothing is known for now
    findings: tuple[Finding, ...] = ()


def reverse_name(ip: str) -> str:
    """The name that holds the PTR record of an address (RFC 1035 3.5, RFC 3596 2.5)."""
    return address(ip).reverse_pointer


def check(ip: str, ask: Ask) -> Identity:
    """Name a client and confirm the name. Raises NeedAnswer."""
    client = address(ip)
    pointer = ask(client.reverse_pointer, "PTR")
    if pointer.failed:
        return Identity(temporary=True)
    names = pointer.records[:MAX_NAMES]
    if not names:
        detail = f"no PTR record at {pointer.name}"
        return Identity(findings=(finding("rdns.none", detail, ip=ip, asked=pointer.name),))
    rdtype = "A" if client.version == 4 else "AAAA"
    forward = ask_all(ask, [(name, rdtype) for name in names])
    for name, answer in zip(names, forward, strict=True):
        if any(address(record) == client for record in answer.records):
            return Identity(name, confirmed=True)
    if any(answer.failed for answer in forward):
        return Identity(names[0], temporary=True)
    found = [record for answer in forward for record in answer.records]
    leads = f"leads to {', '.join(found[:3])}" if found else "has no address"
    mismatch = finding(
        "rdns.mismatch",
        f"{names[0]} {leads}, the client is {ip}",
        ip=ip,
        names=list(names),
        addresses=found[:MAX_NAMES],
    )
    return Identity(names[0], findings=(mismatch,))
