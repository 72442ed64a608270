"""The evaluation (RFC 9989 5.3): does an authenticated identifier align with the author?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from monitor.findings.answers import Ask
from monitor.findings.dmarc.record import Policy, Record
from monitor.findings.dmarc.walk import Organization, Step, walk
from monitor.findings.mailbox import Authors

__all__ = ["Alignment", "Evaluation", "Identity", "evaluate"]

Alignment = Literal["exact", "aligned", "none"]
Result = Literal["pass", "fail", "none", "temperror", "permerror"]

_WEAKER: dict[Policy, Policy] = {"reject": "quarantine", "quarantine": "none", "none": "none"}


@dataclass(frozen=True, slots=True)
class Identity:
    """A domain that SPF or DKIM looked at, and how it stands to the author domain."""

    domain: str
    passed: bool
    alignment: Alignment
    aligned: bool  # in the mode that the record asks for


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The result, and everything that led to it."""

    result: Result
    detail: str = ""
    author: str = ""
    organization: Organization | None = None
    policy: Policy | None = None  # what the owner asks for, where the message fails
    policy_tag: Literal["p", "sp", "np"] = "p"
    found_at: str = ""  # the domain whose record applies
    record: Record | None = None
    spf: Identity | None = None
    dkim: tuple[Identity, ...] = ()
    faults: tuple[str, ...] = ()

    def alignment(self, domain: str) -> Alignment:
        """How a d= that was evaluated stands to the author domain."""
        return next((i.alignment for i in self.dkim if i.domain == domain), "none")


def evaluate(
    authors: Authors,
    spf_domain: str,
    spf_passed: bool,
    dkim: Sequence[str],
    ask: Ask,
    unsettled: Sequence[str] = (),
) -> Evaluation:
    """Evaluate a message. ``dkim`` holds d= of each valid signature.

    ``spf_domain`` is of MAIL FROM, or of HELO where the reverse-path is null; "" for none.
    ``unsettled`` are domains whose SPF or DKIM ended in a temporary error: where one of
    them could have aligned, nothing is known, and the result is not "fail". Raises
    NeedAnswer.
    """
    author = authors.domain
    if not author:
        return Evaluation("permerror", authors.fault)
    up = walk(author, ask)
    organization = up.organization
    step = up.policy
    record = step.record if step else None
    unsure: list[str] = []

    def identity(domain: str, passed: bool, strict: bool) -> Identity:
        try:
            alignment = _alignment(domain, author, organization.domain, ask)
        except _Unsure:
            unsure.append(domain)
            alignment = "none"
        aligned = alignment == "exact" or (alignment == "aligned" and not strict)
        return Identity(domain, passed, alignment, aligned)

    spf = identity(spf_domain, spf_passed, bool(record and record.strict_spf))
    signers = tuple(identity(d, True, bool(record and record.strict_dkim)) for d in dkim)
    unsure += [d for d in unsettled if identity(d, False, False).alignment != "none"]
    faults = tuple(fault for s in up.steps for fault in s.faults)
    result: Result
    detail = ""
    policy: Policy | None = None
    tag: Literal["p", "sp", "np"] = "p"
    own = step is not None and step.domain == author
    if up.failed and not (
        own and any(i.alignment == "exact" and i.passed for i in (spf, *signers))
    ):
        result, detail = "temperror", "no answer for the policy record"
    elif step is None or record is None:
        result = "none"
    elif not record.usable:
        result, detail = "permerror", "the record has no valid policy"
    else:
        policy, tag = _policy(author, step, record, ask)
        if any(i.aligned and i.passed for i in (spf, *signers)):
            result = "pass"
        elif unsure:
            result, detail = "temperror", f"no answer about {unsure[0]}"
        else:
            result = "fail"
    return Evaluation(
        result=result,
        detail=detail,
        author=author,
        organization=organization,
        policy=policy,
        policy_tag=tag,
        found_at=step.domain if step else "",
        record=record,
        spf=spf if spf_domain else None,
        dkim=signers,
        faults=faults + (record.faults if record else ()),
    )


class _Unsure(Exception):
    """An answer that decides is missing for now."""


def _alignment(domain: str, author: str, organization: str, ask: Ask) -> Alignment:
    """Raises NeedAnswer, and _Unsure where there is no answer."""
    if domain == author:
        return "exact"
    if not f".{domain}".endswith(f".{organization}"):
        return "none"  # an organisational domain is the domain itself or above it
    up = walk(domain, ask)
    if up.failed:
        raise _Unsure
    return "aligned" if up.organization.domain == organization else "none"


def _policy(
    author: str, step: Step, record: Record, ask: Ask
) -> tuple[Policy, Literal["p", "sp", "np"]]:
    """The policy for the author domain and the tag that it is from (RFC 9989 4.10.1)."""
    policy: Policy = record.p or "none"
    tag: Literal["p", "sp", "np"] = "p"
    if step.domain != author:
        if record.sp:
            policy, tag = record.sp, "sp"
        if record.np and not _exists(author, ask):
            policy, tag = record.np, "np"
    return (_WEAKER[policy] if record.testing else policy), tag


def _exists(domain: str, ask: Ask) -> bool:
    """False where the DNS denies the name, of whatever type (RFC 9989 3.2.13)."""
    answer = ask(domain, "MX")
    return answer.status != "nxdomain" or answer.canonical not in ("", domain)
