"""A session as it was spoken: who said what when, with findings at the line that caused them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rich.style import Style
from rich.text import Text

from monitor import events as ev
from monitor.record import moment
from monitor.ui.cells import safe
from monitor.ui.draw.findings import draw_title
from monitor.ui.draw.row import clock_time
from monitor.ui.look import Look

__all__ = ["clipboard_text", "draw_transcript", "in_cause_order"]

_MAX_CLIPBOARD = 50_000  # characters
_MAX_RECORD = 300  # characters of a DNS answer


def in_cause_order(events: Sequence[ev.AnyEvent]) -> Iterator[ev.AnyEvent]:
    """Events with findings behind what caused them.

    In the stream, findings that an event gave rise to stand before it, at the same time.
    """
    held: list[ev.Found] = []
    for event in events:
        if isinstance(event, ev.Found):
            held.append(event)
            continue
        early = [f for f in held if f.at != event.at]
        yield from early
        yield event
        yield from (f for f in held if f.at == event.at)
        held = []
    yield from held


def clipboard_text(events: Sequence[ev.AnyEvent], look: Look) -> tuple[str, bool]:
    """The lines as plain text, cut to what terminals take, and whether that is all."""
    text = "\n".join(line.plain for line in draw_transcript(events, look))
    return text[:_MAX_CLIPBOARD], len(text) <= _MAX_CLIPBOARD


def draw_transcript(events: Sequence[ev.AnyEvent], look: Look) -> list[Text]:
    """Lines to show, with the seconds since the session began."""
    if not events:
        return [Text("The transcript of this session is no longer kept.", look.palette.muted)]
    start = events[0].at
    lines: list[Text] = []
    for event in in_cause_order(events):
        if isinstance(event, ev.Found):
            indent = Text(" " * 11)
            lines.extend(indent + draw_title(f, look) for f in event.findings)
            continue
        for sign, text, style in _spoken(event, look):
            stamp = f"{event.at - start:8.3f} "
            lines.append(
                Text.assemble((stamp, look.palette.muted), (f"{sign} ", style), (safe(text), style))
            )
    return lines


Spoken = Iterable[tuple[str, str, Style]]


def _spoken(event: ev.AnyEvent, look: Look) -> Spoken:
    match event:
        case ev.Command():
            note = "".join(
                f"   ({what})"
                for what, true in (
                    ("pipelined", event.pipelined),
                    ("ends with a bare newline", event.bare_newline),
                )
                if true
            )
            return [(look.marks.client, event.text + note, look.palette.client)]
        case ev.Reply():
            return _reply(event, look)
        case ev.Content():
            told = f"message, {event.size:,} bytes"
            if event.subject:
                told += f', "{event.subject}"'
            return [(look.marks.client, told, look.palette.client)]
        case _:
            return [(look.marks.dot, text, look.palette.muted) for text in _aside(event)]


def _reply(event: ev.Reply, look: Look) -> Spoken:
    style = look.palette.server if event.code < 400 else look.palette.code(event.code)
    by = "   (mxtap)" if event.by == "mxtap" else ""
    last = len(event.lines) - 1
    for i, text in enumerate(event.lines or ("",)):
        yield look.marks.server, f"{event.code}{' ' if i >= last else '-'}{text}{by}", style


def _aside(event: ev.AnyEvent) -> Iterator[str]:
    match event:
        case ev.Opened():
            proxied = ", told by a trusted proxy" if event.proxied else ""
            yield f"{event.ip} port {event.port} connected{proxied}, {clock_time(moment(event.at))}"
        case ev.Named(name=None):
            yield "no PTR name" + (" for now" if event.temporary else "")
        case ev.Named():
            confirmed = "confirmed" if event.confirmed else "not confirmed"
            yield f"PTR name {event.name}, {confirmed}"
        case ev.Identified(method="none"):
            yield f"the upstream {event.upstream} was not told who the client is"
        case ev.Identified():
            yield f"told to the upstream {event.upstream} by {event.method.upper()}"
        case ev.Secured():
            yield f"TLS with the {event.side}: {event.protocol}, {event.cipher}"
        case ev.TlsFailed():
            yield f"TLS with the {event.side} failed: {event.reason} {event.alert}".rstrip()
            if event.offered_ciphers is not None:
                yield f"  offered: {', '.join(event.offered_ciphers[:30])}"
        case ev.Asked():
            told = "; ".join(event.records)[:_MAX_RECORD] if event.records else event.status
            secure = ", DNSSEC" if event.secure else ""
            yield f"DNS {event.name} {event.type}: {told}{secure}"
        case ev.Ended():
            if event.state not in ("none", "accepted", "refused"):
                yield f"transaction ended: {event.state}"
        case ev.Closed():
            yield f"closed ({event.how})"
        case _:
            pass
