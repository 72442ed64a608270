"""The hub as a worker sees it: events go up, the lists are here, other rulings are asked for.

Mail waits for the hub's rulings alone, and not for long: a hub that does not answer costs them,
save those of the lists, which are at hand. One that does not take events costs events, which
are counted.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from monitor import events as ev
from monitor.findings.catalogue import finding
from monitor.policy.ruling import PASS, Ruling, Stage
from monitor.policy.standing import Standing
from monitor.workers.messages import Ask, Down, Told
from monitor.workers.wire import Wire

log = logging.getLogger(__name__)

BOUND = 8 * 1024 * 1024  # bytes of events that may wait for a hub that does not keep up
BODIES = 64 * 1024 * 1024  # and of content with them
PATIENCE = 1.0  # seconds for an answer
AWAY = 0.05  # seconds for one from a hub that did not answer before


class Proxy:
    """See :class:`monitor.policy.ruling.Hub`."""

    def __init__(self, wire: Wire[Down], asked: Iterable[ev.Phase] = ()) -> None:
        self.standing = Standing()
        self.asked = frozenset(asked)  # the phases at which the hub has more to say
        self.dropped = 0  # events
        self._wire = wire
        self._known: set[str] = set()  # open sessions that the hub has heard of
        self._numbers = itertools.count(1)
        self._open: dict[int, asyncio.Future[Ruling]] = {}
        self._away = False
        self._special: dict[type, Callable[[Any, bool], object]] = {
            ev.Opened: self._opened,
            ev.Body: self._body,
            ev.Content: self._content,
            ev.Ended: self._ended,
            ev.Closed: self._closed,
        }

    def emit(self, event: ev.AnyEvent) -> None:
        """Tell of one event.

        Where too much waits, sessions are left out from their start, events from the middle
        of others, but never their end.
        """
        wire, special = self._wire, self._special.get(type(event))
        room = wire.behind < BOUND or wire.keeps_up()
        if special is not None:
            special(event, room)
        elif room and event.session in self._known:
            wire.say(event)
        else:
            self.dropped += 1

    def _opened(self, event: ev.Opened, room: bool) -> None:
        if room:
            self._known.add(event.session)
        self._tell(event, room)

    def _body(self, body: ev.Body, room: bool) -> None:
        self._tell(body, room and self._wire.waiting < BODIES, len(body.data))

    # Should this process die, its messages are known, and the ends that clients heard of.

    def _content(self, event: ev.Content, room: bool) -> None:
        if self._tell(event, room):
            self._wire.flush_soon()

    def _ended(self, event: ev.Ended, room: bool) -> None:
        if self._tell(event, room):
            self._wire.flush()

    def _closed(self, event: ev.Closed, room: bool) -> None:
        self._tell(event, True)
        self._known.discard(event.session)

    def _tell(self, event: ev.AnyEvent, room: bool, bulk: int = 0) -> bool:
        told = room and event.session in self._known
        if told:
            self._wire.say(event, bulk)
        else:
            self.dropped += 1
        return told

    def asks(self, phase: ev.Phase) -> bool:
        """True where the lists or the hub may have a say."""
        return bool(self.standing.entries) or phase in self.asked

    def rule(self, stage: Stage) -> Ruling | Coroutine[Any, Any, Ruling]:
        """What the lists say, else the hub, which alone is waited for."""
        told = self.standing.rule(stage)
        if told is not None:
            return told
        return self._ask(stage) if stage.phase in self.asked else PASS

    async def _ask(self, stage: Stage) -> Ruling:
        """What the hub says; where it does not answer in time, the mail passes."""
        number = next(self._numbers)
        answer: asyncio.Future[Ruling] = asyncio.get_running_loop().create_future()
        self._open[number] = answer
        try:
            if self._wire.behind < BOUND or self._wire.keeps_up():
                self._wire.say(Ask(id=number, stage=stage))
                self._wire.flush()
            async with asyncio.timeout(AWAY if self._away else PATIENCE):
                return await answer
        except TimeoutError:
            if not self._away:
                log.error("the hub does not answer; mail passes by the lists alone")
            self._away = True
            detail = f"the ruling at {stage.phase}: no answer in time"
            return Ruling(findings=(finding("relay.check-failed", detail),))
        finally:
            del self._open[number]

    def answered(self, told: Told) -> None:
        """Take in an answer; one that comes too late shows that the hub is back."""
        self._away = False
        answer = self._open.get(told.id)
        if answer is not None and not answer.done():
            answer.set_result(told.ruling)
