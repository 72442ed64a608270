"""The hub as a worker sees it: events go up, the lists are here, other rulings are asked for.

Mail never waits for the hub. One that does not take events costs events, which are counted;
one that does not answer costs its rulings, save those of the lists, which are at hand.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Iterable

from monitor import events as ev
from monitor.findings.catalogue import finding
from monitor.policy.ruling import PASS, Ruling, Stage
from monitor.policy.standing import Standing
from monitor.workers.messages import Ask, Told, encode
from monitor.workers.wire import Wire

log = logging.getLogger(__name__)

BOUND = 8 * 1024 * 1024  # bytes of events that may wait for a hub that does not keep up
BODIES = 64 * 1024 * 1024  # and of content with them
KEPT_UP = 64 * 1024  # bytes: with less waiting, the hub keeps up
PATIENCE = 1.0  # seconds for an answer
AWAY = 0.05  # seconds for one from a hub that did not answer before


class Proxy:
    """See :class:`monitor.policy.ruling.Hub`."""

    def __init__(self, wire: Wire, asked: Iterable[ev.Phase] = ()) -> None:
        self.standing = Standing()
        self.asked = frozenset(asked)  # the phases at which the hub has more to say
        self.dropped = 0  # events
        self._wire = wire
        self._known: set[str] = set()  # open sessions that the hub has heard of
        self._behind = 0  # bytes of events said since the hub last kept up
        self._numbers = itertools.count(1)
        self._open: dict[int, asyncio.Future[Ruling]] = {}
        self._away = False

    def emit(self, event: ev.AnyEvent) -> None:
        """Tell of one event.

        Where too much waits, sessions are left out from their start, events from the middle
        of others, but never their end.
        """
        if self._wire.waiting < KEPT_UP:
            self._behind = 0
        if not self._is_told(event):
            self.dropped += 1
            return
        frame = encode(event)
        if not isinstance(event, ev.Body):
            self._behind += len(frame)
        self._wire.say(frame)

    def _is_told(self, event: ev.AnyEvent) -> bool:
        room = self._behind < BOUND and not self._wire.closed
        session = event.session
        if isinstance(event, ev.Opened):
            if room:
                self._known.add(session)
            return room
        if session not in self._known:
            return False
        if isinstance(event, ev.Closed):
            self._known.discard(session)
            return True
        if isinstance(event, ev.Body):
            return room and self._wire.waiting < BODIES
        return room

    async def rule(self, stage: Stage) -> Ruling:
        """What the lists say, else the hub; where it does not answer, the mail passes."""
        told = self.standing.rule(stage)
        if told is not None:
            return told
        if stage.phase not in self.asked:
            return PASS
        number = next(self._numbers)
        answer: asyncio.Future[Ruling] = asyncio.get_running_loop().create_future()
        self._open[number] = answer
        try:
            if self._behind < BOUND:
                self._wire.say(encode(Ask(id=number, stage=stage)))
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
