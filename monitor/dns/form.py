"""From dnspython's objects to the forms that :class:`monitor.findings.answers.Answer` holds."""

from __future__ import annotations

from typing import Any

import dns.exception
import dns.name
import dns.rdatatype

from monitor.text import escape

MAX_CHAIN = 16  # CNAMEs that are followed


def to_name(text: str) -> dns.name.Name | None:
    """``text`` as a domain name below the root; None where it cannot be one (RFC 1035 2.3.4)."""
    try:
        return dns.name.from_text(text, dns.name.root)
    except (dns.exception.DNSException, UnicodeError, ValueError):
        return None


def from_name(name: dns.name.Name) -> str:
    """A name in lower case without its final dot; the root is ``"."``."""
    return name.to_text(omit_final_dot=True).lower()


def presentation(rdata: Any) -> str:
    """One record (a dnspython Rdata) in the form of ``Answer.records``."""
    match rdata.rdtype:
        case dns.rdatatype.TXT:
            return escape(b"".join(rdata.strings))
        case dns.rdatatype.MX:
            return f"{rdata.preference} {from_name(rdata.exchange)}"
        case dns.rdatatype.PTR | dns.rdatatype.CNAME | dns.rdatatype.NS:
            return from_name(rdata.target)
        case _:
            return str(rdata.to_text())
