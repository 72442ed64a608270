"""A session as evidence: the dialogue, and the DNS answers that were used."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from monitor import events as ev
from monitor.letter.redact import Redactor
from monitor.text import clip, printable

__all__ = ["dialogue", "records_of"]

MAX_LINES = 120
MAX_LINE = 300  # characters
MAX_RECORDS = 40


def dialogue(events: Sequence[ev.AnyEvent], redactor: Redactor) -> tuple[str, ...]:
    """What was said, a line each, with the seconds since the session began."""
    start = events[0].at
    lines = [
        f"{event.at - start:9.3f}  {text}" for event in events for text in _said(event, redactor)
    ]
    if len(lines) > MAX_LINES:
        half = MAX_LINES // 2
        left = len(lines) - 2 * half
        lines = [*lines[:half], f"           … {left} lines left out …", *lines[-half:]]
    return tuple(printable(clip(line, MAX_LINE)) for line in lines)


def _said(event: ev.AnyEvent, redactor: Redactor) -> Iterator[str]:
    match event:
        case ev.Opened():
            yield f"{event.ip} port {event.port} connects"
        case ev.Command():
            yield f"C: {redactor.command(event.text)}"
        case ev.Reply():
            last = len(event.lines) - 1
            for at, text in enumerate(event.lines or ("",)):
                yield f"S: {event.code}{' ' if at >= last else '-'}{redactor.reply(text)}"
        case ev.Content():
            yield f"C: (message of {event.size} octets)"
        case ev.Secured(side="client"):
            yield f"TLS: {event.protocol}, {event.cipher}"
        case ev.TlsFailed(side="client"):
            yield f"TLS failed: {event.reason} {event.alert}".rstrip()
        case ev.Closed():
            yield f"closed ({event.how})"
        case _:
            pass


def records_of(sessions: Iterable[Sequence[ev.AnyEvent]], redactor: Redactor) -> tuple[str, ...]:
    """The answers that checks used, each question once: name, type and data."""
    found: dict[tuple[str, str], ev.Asked] = {}
    for events in sessions:
        for event in events:
            if isinstance(event, ev.Asked):
                found.setdefault((event.name, event.type), event)
    lines = [line for asked in found.values() for line in _answer(asked, redactor)]
    return tuple(lines[:MAX_RECORDS])


def _answer(asked: ev.Asked, redactor: Redactor) -> Iterator[str]:
    name = redactor.text(asked.name) if asked.name else "."
    for record in asked.records or (f"({asked.status})",):
        yield printable(clip(f"{name} {asked.type} {redactor.text(record)}", MAX_LINE))
