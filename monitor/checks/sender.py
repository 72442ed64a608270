"""What the envelope alone tells: SPF, where the HELO name leads, and where bounces would go."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from monitor.checks.case import Envelope
from monitor.checks.stage import Stage
from monitor.events import Finding
from monitor.findings import helo, routing, spf
from monitor.findings.answers import Question
from monitor.findings.spf import Spf, domain_of

__all__ = ["check_sender", "sender_questions"]


def sender_questions(envelope: Envelope) -> Iterator[Question]:
    """What will be asked in any case."""
    for identity in (envelope.mail_from, envelope.helo):
        if domain := domain_of(identity):
            yield domain, "TXT"
    if domain := routing.domain_of(envelope.mail_from):
        yield domain, "MX"


async def check_sender(stage: Stage, envelope: Envelope) -> tuple[Spf, Sequence[Finding]]:
    """The SPF result, and the findings about the envelope."""
    ip, name, mail_from = envelope.ip, envelope.helo, envelope.mail_from
    _, at, domain = mail_from.rpartition("@")
    result = await stage.settle("spf", lambda ask: spf.check(ip, name, mail_from, ask), Spf())
    greeting: Sequence[Finding] = await stage.settle(
        "helo", lambda ask: helo.judge(envelope, ask), (), key=("helo", ip, name, envelope.name)
    )
    bounces: Sequence[Finding] = await stage.settle(
        "routing", lambda ask: routing.sender(mail_from, ask), (), key=("bounces", at + domain)
    )
    return result, (*result.findings, *greeting, *bounces)
