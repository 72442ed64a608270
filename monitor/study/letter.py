"""A letter to a sender's postmaster, from what is kept of its mail."""

from __future__ import annotations

import asyncio

from monitor.checks.settle import Inquiry
from monitor.config import Settings
from monitor.dns import Resolver
from monitor.events import AnyEvent
from monitor.insight.questions import LetterTo, StudyError, Written
from monitor.insight.whatif.scenario import Spoken
from monitor.letter.case import Case, open_case
from monitor.letter.recipients import addresses
from monitor.letter.who import Who
from monitor.letter.write import write
from monitor.study.past import Past

__all__ = ["letter"]

HEARD = 12  # sessions whose transcripts are read
DEADLINE = 10.0  # seconds for the DNS
QUESTIONS = 10


async def letter(
    past: Past, asked: LetterTo, since: float, settings: Settings, resolver: Resolver | None
) -> Written:
    """The letter. Without a ``resolver`` it is to the roles of RFC 2142. Raises StudyError."""
    try:
        who = Who.of(asked.sender)
    except ValueError as error:
        raise StudyError(str(error)) from None
    case = open_case(who, past.records(since))
    if not case.records and not case.claims:
        raise StudyError(f"{who.name} sent nothing in this time, nor did anybody in its name")
    return write(
        case,
        _transcripts(case, past),
        to=await _recipients(who, resolver),
        sender=asked.writer or f"postmaster@{settings.name}",
        host=settings.name,
        domains=settings.local_domains,
        redact=asked.redact,
    )


def _transcripts(case: Case, past: Past) -> dict[str, list[AnyEvent]]:
    records = [example.record for example in case.examples[:HEARD]]
    return {
        r.session: past.transcript(Spoken(r.session, r.started.timestamp(), r.ended.timestamp()))
        for r in records
    }


async def _recipients(who: Who, resolver: Resolver | None) -> list[str]:
    if resolver is None:
        return [] if who.network else [f"postmaster@{who.name}", f"abuse@{who.name}"]
    deadline = asyncio.get_running_loop().time() + DEADLINE
    inquiry = Inquiry(resolver, questions=QUESTIONS, deadline=deadline)
    return await inquiry.settle(lambda ask: addresses(who, ask))
