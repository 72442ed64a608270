"""Which events, and how much of them, a capture keeps."""

from __future__ import annotations

from collections import deque
from typing import Literal

import msgspec

from monitor import events as ev
from monitor.capture.sheet import is_error

Mode = Literal["off", "envelope", "headers", "full"]

HELD_TOTAL = 64 * 1024 * 1024  # octets of content held back for all sessions
HELD_EACH = 16 * 1024 * 1024  # and for one transaction


# What is kept as it is, and changes nothing of what comes: all other events are looked at.
_DECIDING: dict[Mode, tuple[type[ev.Event], ...]] = {
    "full": (),
    "envelope": (ev.Body, ev.Content),
    "headers": (ev.Body, ev.Mail, ev.Found, ev.Ended, ev.Closed),
}


class Selection:
    """What is kept under one mode.

    Under ``headers`` the content of a message is held back until its transaction ends, and
    kept when a finding of severity error came for it or for its session before. Content
    past the bounds is let go: the message is then kept with its header alone.
    """

    def __init__(self, mode: Mode) -> None:
        self.mode = mode
        self.deciding = frozenset(_DECIDING.get(mode, ()))  # only these need be given to ``keep``
        self._held: dict[str, deque[ev.Body]] = {}  # by transaction; the oldest first
        self._held_size: dict[str, int] = {}
        self._total = 0
        self._guilty: set[str] = set()  # sessions and transactions with an error
        self._open: dict[str, str] = {}  # session: its transaction

    def keep(self, event: ev.AnyEvent) -> list[ev.AnyEvent]:
        """What to write because of ``event``, in order."""
        if self.mode == "full":
            return [event]
        if self.mode == "envelope":
            return [_envelope(event)] if not isinstance(event, ev.Body) else []
        match event:
            case ev.Body():
                return self._body(event)
            case ev.Mail():
                self._open[event.session] = event.transaction
            case ev.Found() if is_error(event):
                return [*self._convict(event), event]
            case ev.Ended():
                self._open.pop(event.session, None)
                self._release(event.transaction)
                self._guilty.discard(event.transaction)
            case ev.Closed():
                unended = self._open.pop(event.session, "")
                self._release(unended)
                self._guilty -= {event.session, unended}
        return [event]

    def _body(self, body: ev.Body) -> list[ev.AnyEvent]:
        if body.session in self._guilty or body.transaction in self._guilty:
            return [body]
        if self._open.get(body.session) != body.transaction:
            return []
        size = self._held_size.get(body.transaction, 0) + len(body.data)
        if body.offset + len(body.data) != size or size > HELD_EACH:
            self._release(body.transaction)  # a piece is gone already, or must go now
            return []
        self._held.setdefault(body.transaction, deque()).append(body)
        self._held_size[body.transaction] = size
        self._total += len(body.data)
        while self._total > HELD_TOTAL:
            self._release(next(iter(self._held)))
        return []

    def _convict(self, found: ev.Found) -> list[ev.AnyEvent]:
        transaction = self._open.get(found.session, "")
        if found.about not in (found.session, transaction):
            return []  # about a transaction that is over
        self._guilty.add(found.about)
        held: list[ev.AnyEvent] = list(self._held.get(transaction, ()))
        self._release(transaction)
        return held

    def _release(self, transaction: str) -> None:
        self._held.pop(transaction, None)
        self._total -= self._held_size.pop(transaction, 0)


def _envelope(event: ev.AnyEvent) -> ev.AnyEvent:
    if isinstance(event, ev.Content):
        return msgspec.structs.replace(event, header="", from_="", subject="", message_id="")
    return event
