"""The DNS answers that a session's findings rest on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.text import Text

from monitor import events as ev
from monitor.ui.cells import safe
from monitor.ui.look import Look

__all__ = ["draw_answers"]

_SECURE = {True: "DNSSEC", False: "not signed", None: "not known to be signed"}


def draw_answers(events: Iterable[ev.AnyEvent], look: Look) -> list[Text]:
    """A question and its answer in full, each once, in the order in which they were asked."""
    asked = {(e.name, e.type): e for e in events if isinstance(e, ev.Asked)}
    lines = [line for each in asked.values() for line in _answer(each, look)]
    return lines or [Text("No check asked the DNS in this session.", look.palette.muted)]


def _answer(asked: ev.Asked, look: Look) -> Iterator[Text]:
    palette = look.palette
    told = [_SECURE[asked.secure]] + ([f"TTL {asked.ttl} s"] if asked.ttl else [])
    if asked.canonical and asked.canonical != asked.name:
        told.insert(0, f"alias of {asked.canonical}")
    yield Text.assemble(
        (safe(asked.name) or ".", palette.strong),
        (f" {safe(asked.type)}  ", palette.accent),
        (safe(", ".join(told)), palette.muted),
    )
    if not asked.records:
        style = palette.error if asked.status in ("servfail", "timeout") else palette.notice
        yield Text(f"  {asked.status}", style)
    for record in asked.records:
        yield Text(f"  {safe(record)}", palette.text)
