"""What every evaluation reads alike, and hence once: a client's address, terms without a name."""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import IPv6Address

import spf as pyspf

from monitor.findings.address import Address, address

__all__ = ["FIXED", "Valid", "forms", "valid"]

FIXED = re.compile(r"[+?~-]?(?:ip[46]:[^%]*|all)", re.IGNORECASE)
Valid = tuple[str, str, str, int, str]  # the term, its name, argument, prefix length, result
_ANYONE = pyspf.query("192.0.2.1", "postmaster@example.com", "example.com")


@lru_cache(4_096)
def forms(ip: str) -> tuple[Address, str, str]:
    """An address itself, as text, and with dots as for a PTR lookup."""
    client = address(ip)
    if isinstance(client, IPv6Address):
        client = client.ipv4_mapped or client
    if client.version == 4:
        return client, str(client), str(client)
    return client, str(client), ".".join(client.exploded.replace(":", "").upper())


@lru_cache(4_096)
def valid(mech: str) -> Valid:
    """An ip4, ip6 or all term, which says the same of every domain. Raises PermError."""
    term: Valid = pyspf.query.validate_mechanism(_ANYONE, mech)
    return term
