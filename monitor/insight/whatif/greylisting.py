"""If mail had been greylisted: each attempt of history, and the retries that it would cause."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from monitor.config import Greylist as Rules
from monitor.findings.greylist.table import Greylist, Key
from monitor.findings.greylist.whitelist import Whitelist
from monitor.findings.memory import Bounded
from monitor.findings.pools import network
from monitor.insight.whatif.habits import ASSUMED, Habit, Habits
from monitor.insight.whatif.scenario import Case, Effect, Kind, Scenario, accepted, has
from monitor.policy.stages import stage_of
from monitor.record import Record

__all__ = ["Greylisting", "Keying"]

Keying = Literal["pool", "address"]
REMEMBERED = 200_000  # keys
RECIPIENTS = 100  # of a message
WAITING = 200_000  # messages that are on their way to another attempt
TRIES = 200  # after which the simulation takes a message for lost


@dataclass(slots=True)
class _Waiting:
    """A message that was deferred, and will be tried again."""

    case: Case
    sender: str
    recipients: list[str]
    ip: str
    spf: str
    habit: Habit
    tries: int = 0


class Greylisting(Scenario):
    """Keys go by pool (the SPF domain, else the network), or by the client's address alone."""

    learns = True

    def __init__(
        self, name: str, rules: Rules, keying: Keying, whitelist: Whitelist | None = None
    ) -> None:
        super().__init__(name)
        self.title = f"first attempts are deferred for {rules.delay:g} s, by {keying}"
        self.assumptions = (
            "The greylist begins empty; allowed and whitelisted mail is not asked.",
            "A sender retries as it was seen to do; one that was never seen to, after "
            f"{ASSUMED / 60:g} minutes, and from the same address.",
        )
        self._keying = keying
        self._greylist = Greylist(rules, Bounded(REMEMBERED))
        self._whitelist = whitelist or Whitelist()
        self._habits = Habits()
        self._queue: list[tuple[float, int, _Waiting]] = []
        self._numbers = itertools.count()

    def learn(self, record: Record, case: Case) -> None:
        """How its sender tries again."""
        self._habits.learn(record, case.sender)

    def judge(self, record: Record, case: Case) -> Iterator[Effect]:
        """See :class:`Scenario`. Retries that would have come before this record come first."""
        at = record.started.timestamp()
        yield from self._until(at)
        stage = stage_of(record)
        if record.mail_from is None or has(record, "list.allowed") or case.wanted:
            return
        if self._whitelist.has_client(stage.ip, stage.name):
            return
        if not record.mail_from and record.message is None:
            return  # a callback verification is not to be held up (RFC 6647 5)
        recipients = [
            rcpt.address
            for rcpt in record.rcpts[:RECIPIENTS]
            if rcpt.code < 500 and not self._whitelist.has_recipient(rcpt.address)
        ]
        waiting = _Waiting(
            case,
            record.mail_from,
            recipients,
            record.client.ip,
            stage.verified.spf if stage.verified else "",
            self._habits.of(case.sender),
        )
        deferred = self._attempt(waiting, waiting.ip, at)
        if deferred and accepted(record):
            yield from self._defer(waiting, deferred, at)

    def finish(self) -> Iterator[Effect]:
        """See :class:`Scenario`."""
        yield from self._until(float("inf"))

    def _until(self, now: float) -> Iterator[Effect]:
        """Make the retries that are due before ``now``."""
        while self._queue and self._queue[0][0] <= now:
            at, _, waiting = heapq.heappop(self._queue)
            waiting.tries += 1
            deferred = self._attempt(waiting, _host(waiting), at)
            if deferred:
                yield from self._defer(waiting, deferred, at)
            else:
                yield Effect(waiting.case, "delayed", at - waiting.case.at)

    def _attempt(self, waiting: _Waiting, ip: str, at: float) -> list[str]:
        """The recipients that are deferred."""
        pool = ip if self._keying == "address" else waiting.spf or network(ip)
        return [
            recipient
            for recipient in waiting.recipients
            if self._greylist.decide(Key.of(waiting.sender, recipient, pool), at).defers
        ]

    def _defer(self, waiting: _Waiting, recipients: list[str], at: float) -> Iterator[Effect]:
        again = at + waiting.habit.interval
        if kind := self._end(waiting, again):
            yield Effect(waiting.case, kind)
            return
        waiting.recipients = recipients
        heapq.heappush(self._queue, (again, next(self._numbers), waiting))

    def _end(self, waiting: _Waiting, again: float) -> Kind | None:
        """What becomes of a message that is not tried at ``again``; None where it is."""
        habit = waiting.habit
        if habit.retries is None or len(self._queue) >= WAITING:
            return "at-risk"
        gives_up = habit.patience is not None and again - waiting.case.at > habit.patience
        return "lost" if gives_up or not habit.retries or waiting.tries >= TRIES else None


def _host(waiting: _Waiting) -> str:
    """The address that the next attempt comes from."""
    hosts = list(waiting.habit.hosts)
    if len(hosts) < 2:
        return waiting.ip
    start = hosts.index(waiting.ip) if waiting.ip in hosts else 0
    return hosts[(start + waiting.tries) % len(hosts)]
