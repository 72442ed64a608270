"""The hub as a worker sees it: events go up, the lists are here, other rulings are asked for.

Mail waits for the hub's rulings alone, and not for long: a hub that does not answer costs them,
save those of the lists, which are at hand. One that does not take events costs events, which
are counted.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Coroutine, Iterable
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

    def emit(self, event: ev.AnyEvent) -> None:
        """Tell of one event.

        Where too much waits, sessions are left out from their start, events from the middle
        of others, but never their end.
        """
        kind, wire = type(event), self._wire
        room = wire.behind < BOUND or wire.keeps_up()
        if kind is ev.Opened and room:
            self._known.add(event.session)
        if event.session not in self._known:
            self.dropped += 1
        elif isinstance(event, ev.Body):
            self._tell_body(event, room)
        elif room or kind is ev.Closed:
            wire.say(event)
            # Should this process die, its messages are known, and the ends that clients heard of.
            if kind is ev.Ended:
                wire.flush()
            elif kind is ev.Content:
                wire.flush_soon()
            elif kind is ev.Closed:
                self._known.discard(event.session)
        else:
            self.dropped += 1

    def _tell_body(self, body: ev.Body, room: bool) -> None:
        if room and self._wire.waiting < BODIES:
            self._wire.say(body, len(body.data))
        else:
            self.dropped += 1

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
