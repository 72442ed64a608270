"""The head of a transaction: who, from, to, what, and what became of it."""

from __future__ import annotations

from rich.text import Text

from monitor.record import Record
from monitor.ui.cells import safe
from monitor.ui.draw.row import reverse_path
from monitor.ui.look import Look
from monitor.ui.state.rates import outcome

__all__ = ["draw_brief", "draw_summary"]

_MAX_RECIPIENTS = 20
_STATES = {
    "unknown": "the upstream's last answer is not known",
    "accepted-unacknowledged": "the client left before it heard of it: a duplicate is likely",
}


def draw_brief(record: Record, look: Look) -> list[Text]:
    """Two lines: who, and what became of it."""
    lines = [_line("Client", _client(record), look), _answer(record, look)]
    for line in lines:
        line.no_wrap = True
    return lines


def draw_summary(record: Record, look: Look) -> list[Text]:
    """A few lines, each with its label."""
    lines = [
        _line("Client", _client(record), look),
        _line("From", [reverse_path(record)], look),
    ]
    lines.extend(_recipients(record, look))
    if record.message:
        told = [f"{record.message.size:,} bytes"]
        told += [x for x in (record.message.from_, record.message.subject) if x]
        lines.append(_line("Message", told, look))
    return [*lines, _answer(record, look)]


def _client(record: Record) -> list[str]:
    client = record.client
    return [
        client.ip,
        f"PTR {client.name}" if client.name else "no PTR",
        f"HELO {client.helo}" if client.helo else "no HELO",
        client.tls.protocol if client.tls else "plaintext",
    ]


def _line(label: str, parts: list[str], look: Look) -> Text:
    text = Text(f"{label:<8} ", look.palette.muted)
    for index, part in enumerate(parts):
        text.append(safe(part), look.palette.strong if not index else look.palette.muted)
        text.append("  ")
    text.rstrip()
    return text


def _recipients(record: Record, look: Look) -> list[Text]:
    lines = []
    for rcpt in record.rcpts[:_MAX_RECIPIENTS]:
        line = Text("To       ", look.palette.muted)
        line.append(safe(rcpt.address), look.palette.strong)
        if rcpt.code >= 300:
            line.append(f"  {rcpt.code} {safe(rcpt.reply)}", look.palette.code(rcpt.code))
        lines.append(line)
    if (more := len(record.rcpts) - _MAX_RECIPIENTS) > 0:
        lines.append(Text(f"         and {more} more", look.palette.muted))
    return lines


def _answer(record: Record, look: Look) -> Text:
    verdict = record.verdict
    text = Text("Answer   ", look.palette.muted)
    if not verdict.code:
        return text.append("none: the client left before one was given", look.palette.muted)
    text.append(f"{verdict.code} {outcome(verdict.code)}", look.palette.code(verdict.code))
    text.append(f"  {safe(verdict.reply)}", look.palette.text)
    text.append(f"  by {verdict.by} at {verdict.phase}", look.palette.muted)
    if note := _STATES.get(record.state):
        text.append(f"  {note}", look.palette.warning)
    return text
