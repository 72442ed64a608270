"""Whom to write to: the roles that a domain must have (RFC 2142), and who its zone names."""

from __future__ import annotations

import re

from monitor.findings.answers import Ask, ask_all
from monitor.findings.mailbox import ascii_domain
from monitor.letter.who import Who

__all__ = ["addresses", "is_address", "mailbox"]

_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
MAX_LOCAL = 64  # octets; RFC 5321 4.5.3.1.1


def addresses(who: Who, ask: Ask) -> list[str]:
    """postmaster@ and abuse@ of the domain, and the mailbox in its SOA record.

    None for a network: who answers for it is in the registry's data (RFC 9083), not in the
    DNS; nor for a domain that does not exist. Where it takes no mail (RFC 7505) only the SOA's
    is left. Raises NeedAnswer.
    """
    if who.network:
        return []
    mx, soa = ask_all(ask, [(who.name, "MX"), (who.name, "SOA")])
    none = mx.status == "nxdomain" or mx.records == ("0 .",)
    found = [] if none else [f"postmaster@{who.name}", f"abuse@{who.name}"]
    for record in soa.records[:1]:
        words = record.split()
        if len(words) > 1 and (address := mailbox(words[1])):
            found.append(address)
    return list(dict.fromkeys(found))


def mailbox(rname: str) -> str:
    """The address that an SOA's RNAME stands for (RFC 1035 3.3.13); "" where it is none."""
    local: list[str] = []
    domain, at = "", 0
    while at < len(rname):
        if rname.startswith("\\.", at):
            local.append(".")
            at += 2
            continue
        if rname[at] == ".":
            domain = rname[at + 1 :]
            break
        local.append(rname[at])
        at += 1
    address = f"{''.join(local)}@{domain.removesuffix('.').lower()}"
    return address if is_address(address) else ""


def is_address(text: str) -> bool:
    """Whether ``text`` may stand in a header as an address: ASCII, a dot-atom and a domain."""
    local, _, domain = text.rpartition("@")
    host = ascii_domain(domain.encode("utf-8", "surrogateescape"))
    plain = host == domain.lower() and "." in domain
    return plain and len(local) <= MAX_LOCAL and bool(_LOCAL.fullmatch(local))
