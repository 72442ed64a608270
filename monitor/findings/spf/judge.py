"""SPF for a message: the results for both identities, and the findings about them."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from monitor.events import Finding, Severity
from monitor.findings.address import address
from monitor.findings.answers import Ask, NeedAnswer, Question, ask_all
from monitor.findings.catalogue import finding
from monitor.findings.spf.evaluate import MAX_LOOKUPS, Evaluation, Result, evaluate
from monitor.findings.spf.lookup import domain_of
from monitor.findings.spf.record import MAX_COUNTED, Faults, Term, inspect, terms

__all__ = ["Spf", "check"]

T = TypeVar("T")

MAX_HOSTS = 10  # MX hosts whose addresses are compared with the record


class Spf(msgspec.Struct, frozen=True, kw_only=True):
    """What SPF says of a message. ``identity`` is HELO's where the reverse-path is null."""

    result: Result = "none"
    domain: str = ""  # of ``identity``, lower case; "" where there is none to look up
    identity: str = "mailfrom"
    findings: tuple[Finding, ...] = ()
    personal: bool = False  # holds for this local part only, by a macro


def check(ip: str, helo: str, mail_from: str, ask: Ask) -> Spf:
    """Check a client, its HELO name and the reverse-path ("" for null). Raises NeedAnswer."""
    missing: list[Question] = []

    def attempt(part: Callable[[], T]) -> T | None:
        try:
            return part()
        except NeedAnswer as need:
            missing.extend(need.questions)
            return None

    greeting = attempt(lambda: evaluate(ip, "", helo, ask))
    main = attempt(lambda: evaluate(ip, mail_from, helo, ask)) if mail_from else greeting
    faults = attempt(lambda: inspect(domain_of(mail_from or helo), ask))
    if greeting is None or main is None or faults is None:
        raise NeedAnswer(*missing)
    identity = "mailfrom" if mail_from else "helo"
    found = [_result(main, greeting, ip, identity)]
    if main.record:
        found.extend(_faults(main, faults))
        if main.result in ("fail", "softfail"):
            found.extend(_mx_not_sender(main, ip, ask))
    return Spf(
        result=main.result,
        domain=main.domain,
        identity=identity,
        findings=tuple(found),
        personal=main.personal,
    )


def _result(main: Evaluation, greeting: Evaluation, ip: str, identity: str) -> Finding:
    evidence: dict[str, Any] = {
        "ip": ip,
        "identity": identity,
        "domain": main.domain,
        "record": main.record,
        "mechanism": main.mechanism,
        "lookups": main.lookups,
        "void_lookups": main.void_lookups,
        "helo": {"domain": greeting.domain, "result": greeting.result},
    }
    if main.explanation:
        evidence["explanation"] = main.explanation
    return finding(f"spf.{main.result}", _detail(main, ip), **evidence)


def _detail(main: Evaluation, ip: str) -> str:
    if main.problem:
        return f"{main.domain}: {main.problem}"
    if main.result == "none":
        return f"{main.domain or 'the sender'} has no SPF record"
    return f"{ip} for {main.domain}, by {main.mechanism or 'the default'}"


def _faults(main: Evaluation, faults: Faults) -> list[Finding]:
    where: dict[str, Any] = {"domain": main.domain, "record": main.record}
    found: list[Finding] = []
    if main.fault == "spf.too-many-lookups" or faults.lookups > MAX_LOOKUPS:
        more = "more than " if faults.lookups > MAX_COUNTED else ""
        count = min(MAX_COUNTED, faults.lookups)
        detail = f"{more}{count} lookups" if count > MAX_LOOKUPS else main.problem
        found.append(finding("spf.too-many-lookups", detail, lookups=count, **where))
    if main.fault == "spf.void-lookups" or main.missing:
        severity: Severity = "error" if main.fault == "spf.void-lookups" else "notice"
        names = ", ".join(main.missing)
        found.append(
            finding(
                "spf.void-lookups",
                f"{names} not in the DNS" if names else main.problem,
                severity=severity,
                void_lookups=main.void_lookups,
                missing=list(main.missing),
                **where,
            )
        )
    if main.fault in ("spf.multiple-records", "spf.record-syntax"):
        found.append(finding(main.fault, main.problem, **where))
    if faults.plus_all:
        found.append(finding("spf.plus-all", f"+all at {faults.plus_all[0]}", **where))
    if faults.ptr:
        found.append(finding("spf.ptr-used", f"ptr at {faults.ptr[0]}", **where))
    return found


def _mx_not_sender(main: Evaluation, ip: str, ask: Ask) -> list[Finding]:
    """The record names the hosts that receive, and the client is none of them."""
    listed = [t for t in terms(main.record) if t.qualifier == "+" and t.name != "all"]
    by_mx = any(t.name == "mx" and t.target.lower() in ("", main.domain) for t in listed)
    only = all(t.name in ("mx", "ip4", "ip6", "a") for t in listed)
    if not listed or not (by_mx or only):
        return []
    hosts, addresses = _mx(main.domain, ask)
    if not addresses or ip in addresses:
        return []
    covered = all(t.name == "mx" or _lists(t, hosts, addresses) for t in listed)
    if not by_mx and not covered:
        return []
    return [
        finding(
            "spf.mx-not-sender",
            f"{main.domain} lists its MX hosts; {ip} is none of them",
            severity=None if covered else "notice",
            domain=main.domain,
            record=main.record,
            mx=hosts,
            ip=ip,
        )
    ]


def _mx(domain: str, ask: Ask) -> tuple[list[str], set[str]]:
    hosts = [record.partition(" ")[2] for record in ask(domain, "MX").records][:MAX_HOSTS]
    questions = [(host, kind) for host in hosts if host != "." for kind in ("A", "AAAA")]
    return hosts, {record for answer in ask_all(ask, questions) for record in answer.records}


def _lists(term: Term, hosts: list[str], addresses: set[str]) -> bool:
    """Whether what a term lists is MX hosts and nothing besides."""
    if term.name == "a":
        return term.target.rstrip(".").lower() in hosts
    try:
        network = ipaddress.ip_network(term.value, strict=False)
    except ValueError:
        return False
    inside = [a for a in addresses if address(a) in network]
    return len(inside) == network.num_addresses
