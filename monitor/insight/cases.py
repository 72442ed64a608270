"""What a record says something about, and which rows of the table it meets."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from monitor.events import SEVERITIES
from monitor.findings.pools import digest, forward_path, reverse_path
from monitor.insight.rules import RULES, Rule, Subject
from monitor.record import Record

__all__ = ["BY_CODE", "cases", "delivery", "fate", "faults"]

_RANK = {severity: rank for rank, severity in enumerate(SEVERITIES)}
BY_CODE: dict[str, tuple[Rule, ...]] = {
    code: tuple(sorted(rows, key=lambda rule: -_RANK[rule.least]))
    for code, rows in groupby(sorted(RULES, key=lambda rule: rule.code), lambda rule: rule.code)
}
_FAMILIES: dict[str, Subject] = {  # a finding of one makes a record a case of the other
    "dkim": "authentication",
    "retry": "retry",
    "conduct": "conduct",
}
_UNSETTLED = ("spf.temperror", "dkim.temperror", "dmarc.temperror", "relay.check-failed")


def cases(record: Record) -> set[Subject]:
    """The subjects that a record says something about."""
    found: set[Subject] = set()
    if record.mail_from is not None or record.client.helo is not None:
        found.add("conduct")
    if record.mail_from is not None:
        found.add("routing")
    settled = True
    for each in record.findings:
        family = each.code.partition(".")[0]
        if each.code == "list.banned":
            return set()  # turned away by us: how it would have gone on is not known
        if each.code in _UNSETTLED:
            settled = False
        elif family == "tls":
            # For information tls.none says that TLS was not offered.
            if each.code == "tls.ok" or (each.code in BY_CODE and each.severity != "info"):
                found.add("tls")
        elif subject := _FAMILIES.get(family):
            found.add(subject)
    return found if settled else found - {"authentication", "routing"}


def faults(record: Record) -> Iterable[Rule]:
    """The rows of the table that a record meets: for each code the gravest."""
    codes = {found.code for found in record.findings}
    met: dict[str, Rule] = {}
    for found in record.findings:
        for rule in BY_CODE.get(found.code, ()):
            if _RANK[found.severity] >= _RANK[rule.least]:
                before = met.get(rule.code)
                if rule.unless not in codes and (not before or before.points < rule.points):
                    met[rule.code] = rule
                break
    return met.values()


def delivery(record: Record) -> str:
    recipient = record.rcpts[0].address if record.rcpts else ""
    return digest(reverse_path(record.mail_from or ""), forward_path(recipient))


def fate(record: Record) -> str:
    if record.state in ("accepted", "accepted-unacknowledged"):
        return "accepted"
    match record.verdict.code // 100:
        case 4:
            return "deferred"
        case 5:
            return "refused"
    return "none"
