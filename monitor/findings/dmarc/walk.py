"""The DNS tree walk (RFC 9989 4.10): where a policy is, and who an organisation is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from publicsuffixlist import PublicSuffixList

from monitor.findings.answers import Answer, Ask, NeedAnswer, Question
from monitor.findings.dmarc.record import Record, parse
from monitor.text import printable, unescape

__all__ = ["MAX_QUERIES", "Organization", "Step", "Walk", "path", "registered", "walk"]

MAX_QUERIES = 8

_SUFFIXES = PublicSuffixList()  # takes 60 ms: at import, not with the first message


@dataclass(frozen=True, slots=True)
class Organization:
    """The organisational domain, and how it was found."""

    domain: str
    by: Literal["tree walk", "public suffix list"]


@dataclass(frozen=True, slots=True)
class Step:
    """A domain of the walk with its valid record, where it has exactly one."""

    domain: str
    record: Record | None = None
    failed: bool = False  # no answer for now
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Walk:
    """The steps from the domain upwards, as far as the walk went."""

    domain: str
    steps: tuple[Step, ...]

    @property
    def failed(self) -> bool:
        """True where an answer is missing, so that nothing is sure."""
        return any(step.failed for step in self.steps)

    @property
    def organization(self) -> Organization:
        """RFC 9989 4.10.2. Without any record the walk settles nothing: then the public
        suffix list tells."""
        found = [step for step in self.steps if step.record]
        for step in found:  # from the longest name to the shortest
            assert step.record is not None
            if step.record.psd == "n":
                return Organization(step.domain, "tree walk")
            if step.record.psd == "y" and step.domain != self.domain:
                return Organization(_below(step.domain, self.domain), "tree walk")
        if found:
            return Organization(found[-1].domain, "tree walk")
        return Organization(registered(self.domain), "public suffix list")

    @property
    def policy(self) -> Step | None:
        """The step whose record applies (RFC 9989 4.10.1): of the domain itself, else of its
        organisation, else of its public suffix."""
        found = [step for step in self.steps if step.record]
        organization = self.organization.domain
        for domain in (self.domain, organization):
            for step in found:
                if step.domain == domain:
                    return step
        return found[-1] if found else None


def path(domain: str) -> list[str]:
    """The names of a walk: the domain, then at most its last seven labels, each shorter."""
    labels = domain.split(".")
    rest = labels[1:][-(MAX_QUERIES - 1) :]
    return [domain, *(".".join(rest[n:]) for n in range(len(rest)))]


def walk(domain: str, ask: Ask) -> Walk:
    """Walk up from ``domain`` (A-labels in lower case). Raises NeedAnswer for all at once."""
    answers: list[tuple[str, Answer]] = []
    missing: list[Question] = []
    for name in path(domain):
        try:
            answers.append((name, ask(f"_dmarc.{name}", "TXT")))
        except NeedAnswer as need:
            missing.extend(need.questions)
    if missing:
        raise NeedAnswer(*missing)
    steps: list[Step] = []
    for name, answer in answers:
        step = _step(name, answer)
        steps.append(step)
        if step.record and step.record.psd in ("y", "n"):
            break
    return Walk(domain, tuple(steps))


def _step(domain: str, answer: Answer) -> Step:
    if answer.failed:
        return Step(domain, failed=True)
    texts = [unescape(r).decode("utf-8", "replace") for r in answer.records]
    records = [record for text in texts if (record := parse(text))]
    if len(records) == 1:
        return Step(domain, records[0])
    faults = tuple(
        f"{printable(text, 60)!r} does not start with v=DMARC1"
        for text in texts[:5]
        if text.lstrip().lower().startswith("v=dmarc") and not parse(text)
    )
    if records:  # more than one count as none (RFC 9989 4.10)
        faults += (f"{len(records)} DMARC records at _dmarc.{domain}: none of them counts",)
    return Step(domain, faults=faults)


def _below(suffix: str, domain: str) -> str:
    """The ancestor of ``domain`` one label longer than ``suffix``."""
    return ".".join(domain.split(".")[-(suffix.count(".") + 2) :])


def registered(domain: str) -> str:
    """The organisational domain by the public suffix list; where it has none, the name itself."""
    return str(_SUFFIXES.privatesuffix(domain) or domain)
