"""The demo's DNS, written as a master file (RFC 1035 5) that its users may read."""

from __future__ import annotations

import inspect
import ipaddress
from collections.abc import Iterable

from monitor.demo import home
from monitor.demo.keys import Keys
from monitor.demo.sender import Sender

_HEADER = (
    "; The DNS of the demo: what each sender publishes. Keys are new at every start.\n"
    "; mxtap: signed .\n"
    "$TTL 300\n"
)


def zone(cast: Iterable[type[Sender]], keys: Keys) -> str:
    """The master file of the cast and of home.example, to be read with the origin ``.``."""
    sections = [_HEADER, f"$ORIGIN {home.DOMAIN}.\n{home.RECORDS}"]
    pointers = [_pointer(home.ADDRESS, home.HOST)]
    for sender in cast:
        sections.append(_section(sender, keys))
        pointers += [
            _pointer(address, f"{label}.{sender.domain}")
            for label, address in sender.hosts.items()
            if sender.pointers
        ]
    return "\n".join([*sections, "$ORIGIN .\n" + "".join(pointers)])


def _section(sender: type[Sender], keys: Keys) -> str:
    lines = [f"; {line}".rstrip() for line in (inspect.getdoc(sender) or "").splitlines()]
    if not sender.dnssec:
        lines.append(f"; mxtap: unsigned {sender.domain}")
    lines.append(f"$ORIGIN {sender.domain}.")
    lines += [_line(label, f"A {address}") for label, address in sender.hosts.items()]
    if sender.mx:
        lines.append(_line("@", f"MX {sender.mx}"))
    if sender.spf:
        lines.append(_line("@", text(f"v=spf1 {sender.spf}")))
    if sender.dmarc:
        lines.append(_line("_dmarc", text(f"v=DMARC1; {sender.dmarc}")))
    lines += [
        _line(f"{kind}._domainkey", text(keys[kind].record + sender.key_tags))
        for kind in sender.keys
    ]
    return "\n".join(lines) + "\n" + inspect.cleandoc(sender.records) + "\n"


def _line(name: str, rest: str) -> str:
    return f"{name:<20} {rest}"


def text(value: str) -> str:
    """A TXT record of character-strings of at most 255 octets (RFC 1035 3.3.14)."""
    pieces = [value[i : i + 255] for i in range(0, len(value), 255)]
    return "TXT " + " ".join(f'"{piece}"' for piece in pieces)


def _pointer(address: str, name: str) -> str:
    return f"{ipaddress.ip_address(address).reverse_pointer}. PTR {name}.\n"
