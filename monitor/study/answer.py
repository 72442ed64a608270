"""A question of any kind, answered."""

from __future__ import annotations

import asyncio

from monitor.config import ConfigError, Settings
from monitor.dns.choose import open_resolver
from monitor.dns.zone import ZoneError
from monitor.insight.cards import Report
from monitor.insight.questions import LetterTo, Question, ReportOn, StudyError, WhatIf, Written
from monitor.insight.whatif.answer import Answer
from monitor.study.letter import letter
from monitor.study.past import Past
from monitor.study.report import report
from monitor.study.whatif import whatif

__all__ = ["answer"]


def answer(
    question: Question, past: Past, settings: Settings, *, online: bool = True
) -> Report | Answer | Written:
    """The answer; it takes a while. Raises StudyError. Unless ``online`` no DNS is asked."""
    since = past.since if question.since is None else question.since
    try:
        match question:
            case ReportOn():
                return report(past, since, question.senders)
            case WhatIf():
                return whatif(past, since, question.scenarios, settings)
            case LetterTo():
                resolver = open_resolver(settings) if online else None
                return asyncio.run(letter(past, question, since, settings, resolver))
    except (ConfigError, ValueError, ZoneError) as error:
        raise StudyError(str(error)) from None
