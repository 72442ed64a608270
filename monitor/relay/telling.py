"""The event that tells of a message's content, live and from packets alike."""

from __future__ import annotations

import logging

from monitor import events as ev
from monitor.findings.message import summary
from monitor.relay.data import DataParser
from monitor.text import escape

log = logging.getLogger(__name__)

HEADER_TOLD = 65_536  # octets


def content(
    parser: DataParser, *, session: str, at: float, transaction: str, pipelined: bool
) -> ev.Content:
    """What ``parser`` saw of a message that is in."""
    facts = parser.facts
    header = bytes(facts.header)
    try:
        author, subject, message_id = summary(header)
    except Exception:
        log.exception("header summary failed")
        author = subject = message_id = ""
    return ev.Content(
        session=session,
        at=at,
        transaction=transaction,
        size=facts.size,
        sha256=parser.sha256,
        header=escape(header[:HEADER_TOLD]),
        from_=author,
        subject=subject,
        message_id=message_id,
        longest_line=facts.longest_line,
        has_8bit=facts.has_8bit,
        has_null=facts.has_null,
        bare_newlines=facts.bare_newlines,
        lookalike=escape(facts.lookalike),
        pipelined=pipelined,
    )
