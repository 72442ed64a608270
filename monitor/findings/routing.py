"""Where mail for a domain goes, and where bounces would go (RFC 5321 5.1, RFC 7505).

A domain of which DNS tells nothing for now is not judged by its records.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any, NamedTuple

from monitor.events import Finding
from monitor.findings.answers import Ask, NeedAnswer, Question, ask_all
from monitor.findings.catalogue import finding
from monitor.findings.mailbox import ascii_domain
from monitor.text import printable

__all__ = ["domain_of", "recipients", "sender"]

MAX_DOMAINS = 10  # of recipients that are looked at
MAX_HOSTS = 10  # MX hosts and addresses that are looked at


class Route(NamedTuple):
    """What the DNS says of the way to a domain."""

    mx: tuple[str, ...] = ()  # the records, the most preferred first
    addresses: tuple[str, ...] = ()  # the domain's own; asked where there is no MX record
    exists: bool = True
    failed: bool = False  # not known for now

    @property
    def null(self) -> bool:
        """True for a null MX: the domain takes no mail (RFC 7505 3)."""
        return bool(self.mx) and not self.hosts

    @property
    def hosts(self) -> list[str]:
        """The MX hosts, the most preferred first."""
        hosts = (record.partition(" ")[2] for record in self.mx)
        return [host for host in hosts if host != "."]


def domain_of(address: str) -> str:
    """The domain of a mailbox as A-labels; "" where there is none, as in an address literal."""
    _, at, domain = address.rpartition("@")
    return _ascii(domain) if at else ""


def route(domain: str, ask: Ask) -> Route:
    """The way to ``domain``, by its MX records, else by its addresses. Raises NeedAnswer."""
    answer = ask(domain, "MX")
    if answer.failed:
        return Route(failed=True)
    if answer.records:
        return Route(tuple(sorted(answer.records, key=_preference)[: MAX_HOSTS + 1]))
    found = ask_all(ask, [(domain, "A"), (domain, "AAAA")])
    addresses = tuple(record for each in found for record in each.records)
    failed = not addresses and any(each.failed for each in found)
    exists = answer.status != "nxdomain"
    return Route((), addresses[:MAX_HOSTS], exists, failed)


def sender(mail_from: str, ask: Ask) -> list[Finding]:
    """Whether bounces to ``mail_from`` could be delivered. Raises NeedAnswer.

    Silent for the null reverse-path and for address literals.
    """
    domain = domain_of(mail_from)
    way = route(domain, ask) if domain else Route(failed=True)
    if way.failed:
        return []
    if way.addresses:
        code, detail = "sender-no-mx", f"bounces to {domain} would try {_some(way.addresses)}"
    elif way.null:
        code, detail = "sender-null-mx", f"{domain} says that it takes no mail"
    elif not way.mx:
        code, detail = "sender-unreachable", _nowhere(domain, way)
    elif _lost(way.hosts, ask):
        code = "sender-unreachable"
        detail = f"no MX host of {domain} has an address: {_some(way.hosts)}"
    else:
        return []
    return [finding(f"route.{code}", detail, domain=domain, **_records(way))]


def recipients(
    addresses: Iterable[str], local_domains: Sequence[str], host: str, ask: Ask
) -> list[Finding]:
    """What is wrong with the domains of recipients that are not ours. Raises NeedAnswer.

    Ours are the local domains, and ``host``, our own name. Each domain is told once.
    """
    local = [_ascii(domain) for domain in local_domains]
    foreign: dict[str, str] = {}
    for address in addresses:
        domain = domain_of(address)
        if domain and domain not in local and domain != _ascii(host):
            foreign.setdefault(domain, address)
    found: list[Finding] = []
    missing: list[Question] = []
    for domain, address in islice(foreign.items(), MAX_DOMAINS):
        try:
            found += _recipient(printable(address, 320), domain, local, route(domain, ask))
        except NeedAnswer as need:
            missing.extend(need.questions)
    if missing:
        raise NeedAnswer(*missing)
    return found


def _recipient(address: str, domain: str, local: Sequence[str], way: Route) -> Iterable[Finding]:
    evidence: dict[str, Any] = {"recipient": address, "domain": domain, **_records(way)}
    for ours in local:
        if relation := _relation(domain, ours):
            yield finding(
                "route.recipient-not-ours",
                f"{domain} is not ours, but {relation} {ours}, which is",
                resembles=ours,
                **evidence,
            )
            break
    if way.failed:
        return
    if way.null:
        yield finding("route.recipient-null-mx", f"{domain} says that it takes no mail", **evidence)
    elif way.addresses:
        detail = f"{domain} has no MX record, but the address {_some(way.addresses)}"
        yield finding("route.recipient-no-mx", detail, **evidence)
    elif not way.mx:
        detail = _nowhere(domain, way)
        yield finding("route.recipient-no-mx", detail, severity="warning", **evidence)


def _relation(domain: str, ours: str) -> str:
    if ours.endswith(f".{domain}"):
        return "the parent of"
    return "below" if ours and domain.endswith(f".{ours}") else ""


def _lost(hosts: Sequence[str], ask: Ask) -> bool:
    """True where none of the hosts has an address; the first alone answers for most."""
    for some in (hosts[:1], hosts[1:MAX_HOSTS]):
        answers = ask_all(ask, [(host, kind) for host in some for kind in ("A", "AAAA")])
        if any(answer.records or answer.failed for answer in answers):
            return False
    return len(hosts) <= MAX_HOSTS


def _preference(record: str) -> int:
    return int(record.partition(" ")[0])


def _records(way: Route) -> dict[str, Any]:
    if way.failed:
        return {}
    found = {"mx": list(way.mx[:MAX_HOSTS])}
    return found | {"addresses": list(way.addresses)} if way.addresses else found


def _nowhere(domain: str, way: Route) -> str:
    return f"{domain} has no MX record and no address" if way.exists else f"{domain} does not exist"


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (", …" if len(names) > 3 else "")


def _ascii(domain: str) -> str:
    return ascii_domain(domain.encode("utf-8", "surrogateescape")) or ""
