"""What the client calls itself, as far as its own words tell (RFC 5321 4.1.1.1, 4.1.3)."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterable
from functools import lru_cache

from monitor import events as ev
from monitor.findings import helo
from monitor.findings.answers import canonical
from monitor.findings.catalogue import finding
from monitor.findings.conduct.dialogue import MAX_SHOWN, Dialogue, Judge

_fault = lru_cache(maxsize=4_096)(helo.fault)


class Greeting(Judge):
    """The name given in EHLO or HELO: its form, and whether it is one of our own.

    Our host name is judged at once. A local domain is judged at MAIL, when the PTR name is
    known: a host of ours may well use it.
    """

    hears = (ev.Command, ev.Mail)
    routine = (ev.Command, ev.Mail)

    def __init__(self, our_name: str, local_domains: Collection[str]) -> None:
        self._our_name = canonical(our_name)
        self._local = local_domains
        self._judged: set[str] = set()
        self._pending = ""

    def __call__(self, talk: Dialogue, event: ev.Event) -> Iterable[ev.Finding]:
        if isinstance(event, ev.Mail):
            name, self._pending = self._pending, ""
            if name and not _ours(talk, name):
                yield _claims_us(name, "a domain of ours")
            return
        if talk.verb not in ("EHLO", "HELO"):
            return
        argument = talk.argument
        if argument in self._judged:
            return
        if len(self._judged) < 10:
            self._judged.add(argument)
        shown = argument[:MAX_SHOWN]
        if fault := _fault(argument):
            yield finding("conduct.helo-syntax", fault, helo=shown)
        name = canonical(argument)
        if _from_here(talk):
            return
        if name == self._our_name or _is_literal(name, talk.view.opened.local_ip):
            yield _claims_us(shown, "our own name or address")
        elif name in self._local:
            self._pending = name


def _claims_us(name: str, what: str) -> ev.Finding:
    return finding("conduct.helo-is-us", f"the client calls itself {name}, {what}", helo=name)


def _is_literal(name: str, ip: str) -> bool:
    """Whether ``name`` is the address literal of ``ip``, however either is spelt."""
    literal = helo.literal(name)
    try:
        return literal is not None and literal == ipaddress.ip_address(ip)
    except ValueError:
        return False


def _from_here(talk: Dialogue) -> bool:
    opened = talk.view.opened
    return opened.ip in (opened.local_ip, "127.0.0.1", "::1")


def _ours(talk: Dialogue, domain: str) -> bool:
    named = talk.view.named
    if named is None or not named.confirmed or not named.name:
        return False
    return f".{canonical(named.name)}".endswith(f".{domain}")
