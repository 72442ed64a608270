"""The name in EHLO or HELO: its form, and whether it leads back to the client."""

from __future__ import annotations

import ipaddress
import re
from typing import Protocol

from monitor.events import Finding
from monitor.findings.address import Address, address
from monitor.findings.answers import Answer, Ask, NeedAnswer, canonical
from monitor.findings.catalogue import finding

MAX_NAME = 255  # octets (RFC 5321 4.5.3.1.2)

_LABEL = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)")


class Greeted(Protocol):
    """What is asked of an envelope: the client, what it calls itself, its confirmed PTR name."""

    @property
    def ip(self) -> str: ...
    @property
    def helo(self) -> str: ...
    @property
    def name(self) -> str | None: ...


def literal(name: str) -> Address | None:
    """The address of an address literal, ``[192.0.2.1]`` or ``[IPv6:2001:db8::1]``."""
    if not (name.startswith("[") and name.endswith("]")):
        return None
    inner = name[1:-1]
    v6 = inner[:5].lower() == "ipv6:"
    try:
        return ipaddress.IPv6Address(inner[5:]) if v6 else ipaddress.IPv4Address(inner)
    except ValueError:
        return None


def fault(name: str) -> str:
    """What is wrong with the form of a HELO name, in a phrase; "" where nothing is.

    RFC 5321 2.3.5 and 4.1.1.1: a fully qualified domain name, else an address literal.
    """
    if not name:
        return "no name at all"
    if name.startswith("["):
        return "" if literal(name) else "not a valid address literal"
    if len(name) > MAX_NAME:
        return f"longer than {MAX_NAME} octets"
    if _is_address(name):
        return "an address without the brackets of an address literal"
    if name.endswith("."):
        return "a final dot, which the syntax does not have"
    labels = name.split(".")
    bad = next((label for label in labels if not _LABEL.fullmatch(label)), None)
    if bad is not None:
        return f"not a host name: {bad[:63]!r} is not a label of letters, digits and hyphens"
    if len(labels) < 2:
        return "not fully qualified"
    if labels[-1].isdigit():
        return "not a host name: the last label is a number"
    return ""


def judge(envelope: Greeted, ask: Ask) -> list[Finding]:
    """Whether the HELO name leads to the client (RFC 5321 4.1.4). Raises NeedAnswer.

    Silent where DNS gave no answer, where the form is wrong already, and where the PTR name
    is the same and was confirmed.
    """
    name, client = canonical(envelope.helo), address(envelope.ip)
    if not name or (envelope.name and canonical(envelope.name) == name):
        return []
    if name.startswith("["):
        given = literal(name)
        return [] if given in (None, client) else [_mismatch(envelope, [str(given)])]
    if fault(name):
        return []
    answers = _addresses(name, ask)
    if any(answer.failed for answer in answers):
        return []
    found = [record for answer in answers for record in answer.records]
    if any(_is_address(record) and address(record) == client for record in found):
        return []
    return [_mismatch(envelope, found)]


def _mismatch(envelope: Greeted, addresses: list[str]) -> Finding:
    leads = f"leads to {', '.join(addresses[:3])}" if addresses else "has no address"
    return finding(
        "conduct.helo-mismatch",
        f"{envelope.helo} {leads}, the client is {envelope.ip}",
        helo=envelope.helo,
        client=envelope.ip,
        addresses=addresses[:10],
    )


def _addresses(name: str, ask: Ask) -> list[Answer]:
    """The A and AAAA answers of a name; both are asked for at once."""
    missing: list[tuple[str, str]] = []
    answers: list[Answer] = []
    for rdtype in ("A", "AAAA"):
        try:
            answers.append(ask(name, rdtype))
        except NeedAnswer as need:
            missing.extend(need.questions)
    if missing:
        raise NeedAnswer(*missing)
    return answers


def _is_address(text: str) -> bool:
    try:
        address(text)
    except ValueError:
        return False
    return True
