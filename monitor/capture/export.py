"""What an operator takes out of a session: the message, or the session as a capture."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from monitor import events as ev
from monitor.text import unescape


class Message(NamedTuple):
    """A message as it can be had: ``whole`` is False where only its header was captured."""

    octets: bytes
    whole: bool


def message(events: Iterable[ev.AnyEvent], transaction: str) -> Message | None:
    """The message of a transaction for an .eml file; None where nothing of it is kept."""
    content: ev.Content | None = None
    pieces: list[bytes] = []
    for event in events:
        if isinstance(event, ev.Content) and event.transaction == transaction:
            content = event
        elif isinstance(event, ev.Body) and event.transaction == transaction:
            pieces.append(event.data)
    if content is None:
        return None
    octets = b"".join(pieces)
    if len(octets) == content.size:
        return Message(octets, True)
    if not content.header:
        return None
    return Message(unescape(content.header) + b"\r\n", False)
