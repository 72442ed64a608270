"""The names that SPF asks for, and the records that it takes (RFC 7208 4.3, 4.5)."""

from __future__ import annotations

import re

import spf as pyspf

from monitor.findings.answers import Answer, Ask
from monitor.findings.mailbox import ascii_domain

__all__ = ["domain_of", "is_name", "record_of", "records_in"]

_DOMAIN = re.compile(r"(?=.{1,254}$)(?:[^.\[\]\s]{1,63}\.)+[^.\[\]\s]{1,63}\.?")


def domain_of(identity: str) -> str:
    """The domain of an address or HELO name; "" where SPF has none to look up (RFC 7208 4.3)."""
    domain = identity.rpartition("@")[2]
    if not domain.isascii():
        domain = ascii_domain(domain.encode("utf-8", "surrogateescape")) or ""
    return domain if _DOMAIN.fullmatch(domain) else ""


def record_of(domain: str, ask: Ask) -> list[str]:
    """The SPF records of a domain (RFC 7208 4.5), escaped. Raises NeedAnswer, TempError."""
    answer = ask(domain, "TXT")
    if answer.failed:
        raise pyspf.TempError(f"{answer.status} for TXT of {domain}")
    return records_in(answer)


def records_in(answer: Answer) -> list[str]:
    """Those of a TXT answer."""
    found = [text for text in answer.records if text[:6].lower() == "v=spf1"]
    return [text for text in found if len(text) == 6 or text[6] == " "]


def is_name(text: str) -> bool:
    """Whether the DNS can have such a name (RFC 1035 2.3.4)."""
    labels = text.removesuffix(".").split(".")
    return len(text) <= 254 and all(0 < len(label) < 64 for label in labels)
