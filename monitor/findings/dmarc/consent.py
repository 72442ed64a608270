"""Reports to another organisation need its consent (RFC 9990 4)."""

from __future__ import annotations

from monitor.findings.answers import Ask, NeedAnswer, Question
from monitor.findings.dmarc.evaluate import Evaluation
from monitor.findings.dmarc.record import parse
from monitor.findings.dmarc.walk import walk
from monitor.text import unescape

__all__ = ["MAX_DESTINATIONS", "unauthorised"]

MAX_DESTINATIONS = 5  # domains in rua= that are looked at


def unauthorised(evaluation: Evaluation, ask: Ask) -> tuple[str, ...]:
    """The domains in rua= that have not agreed to get reports. Raises NeedAnswer."""
    record, organization = evaluation.record, evaluation.organization
    if record is None or organization is None:
        return ()
    refused: list[str] = []
    missing: list[Question] = []
    for domain in list(dict.fromkeys(domain for _, domain in record.rua))[:MAX_DESTINATIONS]:
        try:
            if not _agreed(domain, evaluation.found_at, organization.domain, ask):
                refused.append(domain)
        except NeedAnswer as need:
            missing.extend(need.questions)
    if missing:
        raise NeedAnswer(*missing)
    return tuple(refused)


def _agreed(destination: str, policy_domain: str, organization: str, ask: Ask) -> bool:
    if destination == organization:
        return True
    if f".{destination}".endswith(f".{organization}"):
        up = walk(destination, ask)
        if up.failed or up.organization.domain == organization:
            return True
    answer = ask(f"{policy_domain}._report._dmarc.{destination}", "TXT")
    if answer.failed:
        return True  # not known, hence no charge
    return any(parse(unescape(r).decode("utf-8", "replace")) for r in answer.records)
