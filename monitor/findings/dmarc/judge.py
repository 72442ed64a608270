"""Findings about the author's domain and its policy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from monitor.events import Finding
from monitor.findings.catalogue import finding
from monitor.findings.dkim.verify import Outcome
from monitor.findings.dmarc.evaluate import Evaluation, Identity
from monitor.findings.message import Header
from monitor.text import printable

__all__ = ["judge"]

MAX_FAULTS = 10

_BROKEN = ("fail-body", "fail-signature", "length-tag")


def judge(
    evaluation: Evaluation,
    spf_result: str,
    outcomes: Sequence[Outcome],
    header: Header,
    unauthorised: Sequence[str] = (),
) -> list[Finding]:
    """The findings about one message. ``spf_result`` is the word of RFC 7208."""
    evidence = _evidence(evaluation, spf_result)
    found = [finding(f"dmarc.{evaluation.result}", _detail(evaluation), **evidence)]
    if evaluation.result == "pass" and not _counts(evaluation.spf):
        reason = f"SPF {spf_result}" if not _passed(evaluation.spf) else "SPF not aligned"
        signer = next(i.domain for i in evaluation.dkim if i.aligned)
        found.append(
            finding(
                "dmarc.spf-failed-dkim-saved",
                f"{reason}; DKIM of {signer}",
                spf=spf_result,
                d=signer,
            )
        )
    if evaluation.result == "fail":
        found.extend(_broken_by_list(evaluation, outcomes, header))
    record = evaluation.record
    if record and evaluation.policy == "none":
        found.append(finding("dmarc.policy-none", evidence["record"], **_where(evaluation)))
    found.extend(
        finding(
            "dmarc.report-unauthorised",
            f"{domain} has not agreed to reports about {evaluation.found_at}",
            destination=domain,
            **_where(evaluation),
        )
        for domain in unauthorised
    )
    found.extend(
        finding("dmarc.record-syntax", printable(fault, 200), **_where(evaluation))
        for fault in evaluation.faults[:MAX_FAULTS]
    )
    return found


def _counts(identity: Identity | None) -> bool:
    return bool(identity and identity.passed and identity.aligned)


def _passed(identity: Identity | None) -> bool:
    return bool(identity and identity.passed)


def _broken_by_list(
    evaluation: Evaluation, outcomes: Sequence[Outcome], header: Header
) -> list[Finding]:
    """A list is at hand where it names itself and the author's own signature is broken."""
    list_id = header.value(b"list-id") or header.value(b"list-post")
    if not list_id:
        return []
    for outcome in outcomes:
        signature = outcome.signature
        if (
            signature
            and outcome.result in _BROKEN
            and f".{evaluation.author}".endswith(f".{signature.domain}")
        ):
            changed = "body" if outcome.result != "fail-signature" else "header"
            return [
                finding(
                    "dmarc.list-broke-it",
                    f"{signature.domain} had signed; the {changed} was changed on the way",
                    list=printable(list_id, 200),
                    d=signature.domain,
                    changed=changed,
                )
            ]
    return []


def _detail(evaluation: Evaluation) -> str:
    if evaluation.detail or not evaluation.author:
        return evaluation.detail
    if evaluation.policy is None:
        return f"author domain {evaluation.author}"
    return f"author domain {evaluation.author}, policy {evaluation.policy}"


def _where(evaluation: Evaluation) -> dict[str, Any]:
    record = evaluation.record
    return {
        "domain": evaluation.found_at or evaluation.author,
        "record": printable(record.text, 1_000) if record else "",
    }


def _evidence(evaluation: Evaluation, spf_result: str) -> dict[str, Any]:
    evidence: dict[str, Any] = {"author": evaluation.author}
    if evaluation.organization:
        evidence["organization"] = evaluation.organization.domain
        evidence["found_by"] = evaluation.organization.by
    record = evaluation.record
    if record:
        evidence |= _where(evaluation)
        evidence["policy"] = evaluation.policy
        evidence["policy_tag"] = evaluation.policy_tag
        if record.testing:
            evidence["testing"] = True
        if record.ignored:
            evidence["ignored"] = list(record.ignored)
    if evaluation.spf:
        evidence["spf"] = {
            "domain": evaluation.spf.domain,
            "result": spf_result,
            "mode": "strict" if record and record.strict_spf else "relaxed",
            "alignment": evaluation.spf.alignment,
            "aligned": evaluation.spf.aligned,
        }
    evidence["dkim"] = [
        {
            "domain": identity.domain,
            "mode": "strict" if record and record.strict_dkim else "relaxed",
            "alignment": identity.alignment,
            "aligned": identity.aligned,
        }
        for identity in evaluation.dkim
    ]
    return evidence
