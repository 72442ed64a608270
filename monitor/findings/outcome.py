"""What became of each recipient: the reply that decided about it."""

from __future__ import annotations

from typing import NamedTuple

from monitor import events as ev


class Outcome(NamedTuple):
    """A deciding reply. ``at`` is when it was out, epoch seconds."""

    code: int
    reply: str
    phase: ev.Phase
    at: float
    by: ev.Speaker


def outcome(rcpt: ev.Rcpt, ended: ev.Ended) -> Outcome | None:
    """The reply to RCPT where that refused, else what was said of the message.

    None where nothing was decided: the client left, or began anew, before the end.
    """
    if rcpt.code >= 300:
        return Outcome(rcpt.code, rcpt.reply, "rcpt", rcpt.at, rcpt.by)
    verdict = ended.verdict
    if verdict.phase in ("data", "eod") and verdict.code:
        return Outcome(verdict.code, verdict.reply, verdict.phase, ended.at, verdict.by)
    return None
