"""A letter as a draft (.eml) that a mail program opens to be read, changed and sent."""

from __future__ import annotations

import email.policy
from collections.abc import Iterable
from email.message import MIMEPart

from monitor.letter.arf import Report
from monitor.letter.letter import Letter
from monitor.letter.render import plain

__all__ = ["eml"]

_POLICY = email.policy.SMTP


def eml(letter: Letter, report: Report | None = None) -> bytes:
    """The draft: plain text, with a feedback report (RFC 5965) where there is one.

    ``X-Unsent: 1`` makes mail programs open it for editing. Date and Message-ID are for the
    program that sends it.
    """
    message = MIMEPart(_POLICY)
    message["From"] = letter.sender
    if letter.to:
        message["To"] = ", ".join(letter.to)
    message["Subject"] = letter.subject
    message["X-Unsent"] = "1"
    message["MIME-Version"] = "1.0"
    text = plain(letter, head=False)
    if report is None:
        message.set_content(text)
        return message.as_bytes()
    message["Content-Type"] = 'multipart/report; report-type="feedback-report"'
    human = MIMEPart(_POLICY)
    human.set_content(text)
    fields = (f"{name}: {value}" for name, value in report.fields)
    for part in (
        human,
        _part("message/feedback-report", fields),
        _part("text/rfc822-headers", report.header),
    ):
        message.attach(part)
    return message.as_bytes()


def _part(kind: str, lines: Iterable[str]) -> MIMEPart:
    part = MIMEPart(_POLICY)
    part["Content-Type"] = kind
    part["Content-Transfer-Encoding"] = "7bit"
    part.set_payload("".join(line + _POLICY.linesep for line in lines))
    return part
