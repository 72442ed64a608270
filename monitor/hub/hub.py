"""Wires events to consumers, asks the policies, and drives what the clock reveals.

A consumer, discipline or ruler that fails is logged and told once; mail goes on (law 1).
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol, runtime_checkable

from monitor import events as ev
from monitor.assembler import Assembler, Output
from monitor.findings.hearing import whose
from monitor.findings.retry.waiting import Wait, waits
from monitor.findings.views import Discipline, Session
from monitor.hub.policies import Policies, Ruler
from monitor.hub.stats import Stats
from monitor.policy.entry import Draft, Entry
from monitor.policy.ruling import Ruling, Stage
from monitor.policy.standing import Standing
from monitor.record import Late, Record
from monitor.store import Store

log = logging.getLogger(__name__)

Consumer = Callable[[Sequence[ev.AnyEvent]], None]  # of any sessions, in order
Soon = Callable[[Callable[[], None]], object]
Listener = Callable[[Output], None]
FOREIGN_CHANGES = 2.0  # seconds between looks at lists that another process may have changed
PRUNE_EVERY = 60.0  # seconds


@runtime_checkable
class Ticking(Protocol):
    """A discipline that also finds by the clock."""

    def tick(self, now: float) -> Iterable[ev.Found]:
        """What became known by ``now``, epoch seconds."""
        ...


class Hub:
    """See :class:`monitor.policy.ruling.Hub` for what a relay calls.

    What it hears is taken in when ``soon`` has it done, all that came until then: at once, or,
    where mail is in a hurry, a moment later. In one go it takes less time.
    """

    def __init__(
        self,
        store: Store,
        disciplines: Sequence[Discipline] = (),
        rulers: Sequence[Ruler] = (),
        consumers: Sequence[Consumer] = (),
        clock: Callable[[], float] = time.time,
        keep_history: float = 0,
        remembered: int = 1_000_000,
        soon: Soon = lambda call: call(),
    ) -> None:
        self.store = store
        self.stats = Stats()
        self.listeners: list[Listener] = []
        self.on_lists: list[Callable[[], None]] = []
        self.failures: Counter[str] = Counter()
        self.assembler = Assembler(
            disciplines, lambda judge: self._failed(whose(judge)), self._closed
        )
        candidates: list[object] = list(disciplines)
        self._ticking = [d for d in candidates if isinstance(d, Ticking)]
        self.policies = Policies(rulers, self._failed)
        self.asked = self.policies.asked  # phases at which one besides the lists has a say
        self._consumers = (self.stats.heard, *consumers)
        self._soon = soon
        self._heard: list[ev.AnyEvent] = []  # and not taken in yet
        self._clock = clock
        self._keep, self._remembered = keep_history, remembered
        self.standing = Standing()
        self._version: tuple[float, ...] | None = None
        self._next_look = self._next_prune = 0.0
        self._reload()

    # The relay's side

    def emit(self, event: ev.AnyEvent) -> None:
        """Hear of one event. Never raises."""
        self._heard.append(event)
        if len(self._heard) == 1:
            self._soon(self.catch_up)
        if type(event) is ev.Body:  # consumers bound what waits of these by octets
            self.catch_up()

    def catch_up(self) -> None:
        """Take in what was heard, and tell the consumers and listeners. Never raises."""
        heard, self._heard = self._heard, []
        if not heard:
            return
        fold, news, outputs = self.assembler.fold, list[ev.AnyEvent](), list[Output]()
        for event in heard:
            try:
                more = fold(event)
            except Exception:
                self._failed("assembler")
                continue
            if more is None:
                news.append(event)
            else:
                news += more[0]
                outputs += more[1]
        if self.policies.hearing:
            self.policies.hear(news)
        for output in outputs:
            try:
                self._tell(output)
            except Exception:
                self._failed("history")
        for consumer in self._consumers:
            try:
                consumer(news)
            except Exception:
                self._failed(whose(consumer))

    def asks(self, phase: ev.Phase) -> bool:
        """True where a list or another policy may have a say."""
        return bool(self.standing.entries) or phase in self.asked

    def rule(self, stage: Stage) -> Ruling:
        """The lists first, then every other policy; the first that does not pass, wins."""
        return self.standing.rule(stage) or self.decide(stage)

    def decide(self, stage: Stage) -> Ruling:
        """What the policies besides the lists say, which know all that happened until now."""
        if stage.phase in self.asked:
            self.catch_up()
        return self.policies(stage)

    # The operator's side

    def lists(self) -> list[Entry]:
        """The entries in force."""
        return self.store.entries.in_force()

    def add(self, draft: Draft, by: str) -> Entry:
        """Add an entry: durable and in force when this returns. Raises ValueError, StoreError."""
        entry = self.store.entries.add(draft, by)
        self._reload()
        return entry

    def end(self, entry_id: int, by: str) -> Entry:
        """End an entry. Raises ValueError, StoreError."""
        entry = self.store.entries.end(entry_id, by)
        self._reload()
        return entry

    def transcript(self, session: str) -> list[ev.AnyEvent]:
        """Every event of a session that is kept, as of when the hub last caught up."""
        view = self.assembler.session(session)
        if view is not None:
            return list(view.events)
        self.store.writer.flush()  # it may have ended this moment
        return self.store.past.transcript(session)

    def waiting(self) -> list[Wait]:
        """Mail that was deferred and has not been accepted since, the longest wait first."""
        self.store.writer.flush()
        return waits(self.store.memory)

    # The clock's side

    def tick(self) -> None:
        """Do what is due; called about once a second."""
        self.catch_up()
        now = self._clock()
        for discipline in self._ticking:
            try:
                for found in discipline.tick(now):
                    self.emit(found)
            except Exception:
                self._failed(type(discipline).__name__)
        if now >= self._next_look:
            self._next_look = now + FOREIGN_CHANGES
            self.look_at_lists()
        if now >= self._next_prune:
            self._next_prune = now + PRUNE_EVERY
            # On the thread that writes: nothing here may hold up the mail.
            self.store.writer.soon(lambda: self._prune(now))

    def look_at_lists(self) -> None:
        """Take in what another process or relay changed in the lists."""
        hits = self.standing.take_hits()
        try:
            if hits:
                self.store.entries.count_hits(hits)
            if self.store.entries.version() != self._version:
                self._reload()
        except Exception:
            self.standing.count(hits)
            self._failed("lists")

    def _prune(self, now: float) -> None:
        try:
            if self.store.prune(now, self._keep, self._remembered):
                self._next_prune = now  # the next tick goes on
        except Exception:
            self._failed("prune")

    def _reload(self) -> None:
        self._version = self.store.entries.version()
        self.standing.replace(self.store.entries.in_force())
        for call in self.on_lists:
            call()

    # Inside

    def _closed(self, view: Session) -> None:
        self.store.history.add_transcript(view.id, view.events[-1].at, view.events)

    def _tell(self, output: Output) -> None:
        if isinstance(output, Record):
            self.stats.count(output)
            self.store.history.add(output)
        elif isinstance(output, Late):
            self.store.history.add_late(output)
        for listener in self.listeners:
            try:
                listener(output)
            except Exception:
                self._failed("listener")

    def _failed(self, what: str) -> None:
        self.failures[what] += 1
        if self.failures[what] == 1:
            log.exception("%s failed; mail goes on", what)
