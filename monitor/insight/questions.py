"""What may be asked of the past at length, and what a letter is when it comes back.

A question is answered beside the relay (:mod:`monitor.study`): it goes through history as a
whole. ``since`` is in epoch seconds; None for the usual span, or all of a recording.
"""

from __future__ import annotations

import msgspec

__all__ = ["LetterTo", "Question", "ReportOn", "StudyError", "WhatIf", "Written"]


class StudyError(Exception):
    """There is no answer; the text is for the operator."""


class ReportOn(msgspec.Struct, frozen=True, kw_only=True, tag="report"):
    """Report cards of these senders; each may be a name that mail was sent in."""

    senders: tuple[str, ...]
    since: float | None = None


class WhatIf(msgspec.Struct, frozen=True, kw_only=True, tag="whatif"):
    """What rules would have done, in the words of ``mxtap whatif``."""

    scenarios: tuple[str, ...]
    since: float | None = None


class LetterTo(msgspec.Struct, frozen=True, kw_only=True, tag="letter"):
    """A letter to a sender's postmaster; ``writer`` is its From, "" for our own postmaster."""

    sender: str
    since: float | None = None
    writer: str = ""
    redact: bool = True


Question = ReportOn | WhatIf | LetterTo


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """A letter in each of its forms; ``draft`` is a message (RFC 5322)."""

    to: tuple[str, ...]
    subject: str
    text: str
    markdown: str
    draft: bytes
