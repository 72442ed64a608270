"""Whom a letter is to: an organisation by its domain, or whoever holds an address or network."""

from __future__ import annotations

import ipaddress
from typing import Literal, NamedTuple

from monitor.findings.answers import canonical
from monitor.findings.dmarc.walk import registered
from monitor.findings.mailbox import ascii_domain
from monitor.insight.sender import senders
from monitor.record import Record

__all__ = ["Part", "Who", "parts"]

Part = Literal["host", "author", "claim"]


class Who(NamedTuple):
    """The organisational domain, or a network in CIDR form."""

    name: str
    network: bool = False

    @classmethod
    def of(cls, text: str) -> Who:
        """From what an operator types: a domain, address, IP or network. Raises ValueError."""
        text = text.strip()
        try:
            return cls(str(ipaddress.ip_network(text, strict=False)), network=True)
        except ValueError:
            pass
        domain = ascii_domain(text.rpartition("@")[2].encode("utf-8", "surrogateescape"))
        if domain is None or "." not in domain:
            raise ValueError(f"{text!r} is neither a domain nor an address nor a network")
        return cls(registered(canonical(domain)))

    def owns(self, domain: str) -> bool:
        """Whether a domain is theirs."""
        return not self.network and f".{canonical(domain)}".endswith(f".{self.name}")


def parts(who: Who, record: Record) -> frozenset[Part]:
    """In what ``who`` had a part: the client, the message; or it was merely named as the sender.

    Only what is proved makes a client or message somebody's: others must not pay for a name
    that was forged.
    """
    if who.network:
        inside = ipaddress.ip_address(record.client.ip) in ipaddress.ip_network(who.name)
        return frozenset(("host", "author")) if inside else frozenset()
    host, author = senders(record)
    found: set[Part] = set()
    if host.name == who.name:
        found.add("host")
    if author.name == who.name:
        found.add("author")
    elif any(who.owns(domain) for domain in _claimed(record)):
        found.add("claim")
    return frozenset(found)


def _claimed(record: Record) -> list[str]:
    addresses = [record.mail_from or "", record.message.from_ if record.message else ""]
    return [address.rpartition("@")[2].rstrip("> ") for address in addresses if "@" in address]
