"""What would have been, as structs: the form of ``mxtap whatif --json``. Keys may be added."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from monitor.insight.whatif.scenario import KINDS, Case, Effect, Kind
from monitor.record import moment

__all__ = ["Affected", "Answer", "Delay", "Outcome", "Tally", "Told"]

SENDERS = 20_000  # that are told apart
SHOWN = 50  # that are named


class Outcome(msgspec.Struct, frozen=True):
    """How many messages one thing happens to; ``wanted`` of them the operator has allowed."""

    messages: int = 0
    senders: int = 0
    wanted: int = 0


class Delay(msgspec.Struct, frozen=True):
    """Seconds that delayed mail comes later: half of it within ``median``, 95 % in ``most``."""

    median: float
    most: float
    longest: float


class Affected(msgspec.Struct, frozen=True, kw_only=True):
    """A sender, and the newest of its messages that something happens to."""

    sender: str
    messages: dict[Kind, int]
    wanted: int
    at: datetime
    transaction: str
    session: str


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What one rule would have done."""

    scenario: str
    title: str
    outcomes: dict[Kind, Outcome]
    delay: Delay | None
    affected: int  # senders
    senders: tuple[Affected, ...]  # those with most messages
    notes: dict[str, int]  # messages or sessions, in words
    assumptions: tuple[str, ...]


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """All of them. ``together`` counts each message once, by the worst that happens to it."""

    v: int = 1
    since: datetime
    until: datetime
    records: int
    messages: int  # that came in
    scenarios: tuple[Told, ...]
    together: dict[Kind, int]


@dataclass(slots=True)
class _Sender:
    messages: Counter[Kind] = field(default_factory=Counter)
    wanted: int = 0
    newest: Case | None = None


class Tally:
    """Counts the effects of one scenario; bounded, however many senders there are."""

    def __init__(self) -> None:
        self._messages: Counter[Kind] = Counter()
        self._wanted: Counter[Kind] = Counter()
        self._delays: Counter[int] = Counter()
        self._senders: dict[str, _Sender] = {}

    def add(self, effect: Effect) -> None:
        """Count one message."""
        case, kind = effect.case, effect.kind
        self._messages[kind] += 1
        self._wanted[kind] += case.wanted
        if kind == "delayed":
            self._delays[round(effect.seconds)] += 1
        sender = self._senders.get(case.sender)
        if sender is None:
            if len(self._senders) >= SENDERS:
                return
            sender = self._senders[case.sender] = _Sender()
        sender.messages[kind] += 1
        sender.wanted += case.wanted
        sender.newest = case

    def outcomes(self) -> dict[Kind, Outcome]:
        """By what happens, the gravest first."""
        return {
            kind: Outcome(
                self._messages[kind],
                sum(kind in sender.messages for sender in self._senders.values()),
                self._wanted[kind],
            )
            for kind in KINDS
        }

    def delay(self) -> Delay | None:
        """None where nothing is delayed."""
        if not self._delays:
            return None
        total = self._delays.total()
        return Delay(self._quantile(total * 0.5), self._quantile(total * 0.95), max(self._delays))

    def _quantile(self, rank: float) -> float:
        reached = 0
        for seconds in sorted(self._delays):
            reached += self._delays[seconds]
            if reached >= math.ceil(rank):
                return seconds
        return 0

    def __len__(self) -> int:
        return len(self._senders)

    def affected(self) -> tuple[Affected, ...]:
        """The senders with most messages."""
        most = sorted(self._senders.items(), key=lambda item: (-item[1].messages.total(), item[0]))
        return tuple(
            Affected(
                sender=name,
                messages=dict(sender.messages),
                wanted=sender.wanted,
                at=moment(sender.newest.at),
                transaction=sender.newest.transaction,
                session=sender.newest.session,
            )
            for name, sender in most[:SHOWN]
            if sender.newest
        )
