"""Which events, and how much of them, a capture keeps."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Literal

import msgspec

from monitor import events as ev
from monitor.capture.sheet import is_error

Mode = Literal["off", "envelope", "headers", "full"]

HELD_TOTAL = 64 * 1024 * 1024  # octets of content held back for all sessions
HELD_EACH = 16 * 1024 * 1024  # and for one transaction


Decide = Callable[[Any], list[ev.AnyEvent]]


class Selection:
    """What is kept under one mode.

    Under ``headers`` the content of a message is held back until its transaction ends, and
    kept when a finding of severity error came for it or for its session before. Content
    past the bounds is let go: the message is then kept with its header alone.
    """

    def __init__(self, mode: Mode) -> None:
        # What the mode looks at, by type: all else is kept, and changes nothing of what comes.
        self.deciding: Mapping[type[ev.Event], Decide] = {}
        if mode == "envelope":
            self.deciding = {ev.Body: _nothing, ev.Content: _envelope}
        elif mode == "headers":
            self.deciding = {
                ev.Body: self._body,
                ev.Mail: self._begun,
                ev.Found: self._found,
                ev.Ended: self._ended,
                ev.Closed: self._closed,
            }
        self._held: dict[str, deque[ev.Body]] = {}  # by transaction; the oldest first
        self._held_size: dict[str, int] = {}
        self._total = 0
        self._guilty: set[str] = set()  # sessions and transactions with an error
        self._open: dict[str, str] = {}  # session: its transaction

    def keep(self, event: ev.AnyEvent) -> list[ev.AnyEvent]:
        """What to write because of ``event``, in order."""
        decide = self.deciding.get(type(event))
        return decide(event) if decide else [event]

    def _begun(self, mail: ev.Mail) -> list[ev.AnyEvent]:
        self._open[mail.session] = mail.transaction
        return [mail]

    def _found(self, found: ev.Found) -> list[ev.AnyEvent]:
        return [*self._convict(found), found] if is_error(found) else [found]

    def _ended(self, ended: ev.Ended) -> list[ev.AnyEvent]:
        self._open.pop(ended.session, None)
        self._release(ended.transaction)
        self._guilty.discard(ended.transaction)
        return [ended]

    def _closed(self, closed: ev.Closed) -> list[ev.AnyEvent]:
        unended = self._open.pop(closed.session, "")
        self._release(unended)
        self._guilty -= {closed.session, unended}
        return [closed]

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


def _nothing(_: ev.Body) -> list[ev.AnyEvent]:
    return []


def _envelope(content: ev.Content) -> list[ev.AnyEvent]:
    none = {"header": "", "from_": "", "subject": "", "message_id": ""}
    return [msgspec.structs.replace(content, **none)]
