"""A rule that is tried on the past, and what it would have done to a message."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import ClassVar, Literal, NamedTuple, get_args

from monitor.events import AnyEvent
from monitor.record import Record

__all__ = ["KINDS", "Case", "Effect", "Kind", "Scenario", "Spoken", "accepted", "has"]

# The gravest first. "at-risk" is what history cannot tell; it is never counted as lost.
Kind = Literal["lost", "at-risk", "quarantined", "plaintext", "delayed"]
KINDS: tuple[Kind, ...] = get_args(Kind)


class Case(NamedTuple):
    """A record as far as an answer tells of it."""

    number: int  # of the record, from 0
    at: float  # epoch seconds
    transaction: str
    session: str
    sender: str
    wanted: bool  # the operator has allowed it


class Effect(NamedTuple):
    """What becomes of the message of a case; ``seconds`` where it is delayed."""

    case: Case
    kind: Kind
    seconds: float = 0.0


class Spoken(NamedTuple):
    """A session whose transcript is wanted; times are epoch seconds."""

    session: str
    started: float
    ended: float


class Scenario:
    """Records come twice in the order of time: to learn from, then to judge.

    Between the two it is told of the transcripts that it wants.
    """

    learns: ClassVar[bool] = False
    title: str
    assumptions: tuple[str, ...] = ()

    def __init__(self, name: str) -> None:
        self.name = name
        self.notes: Counter[str] = Counter()  # what else was counted, in words

    def learn(self, record: Record, case: Case) -> None:
        """Take in what is to be known before the first record is judged."""

    def wants(self) -> Iterable[Spoken]:
        """The sessions whose transcripts are to be heard."""
        return ()

    def hear(self, session: str, events: Iterable[AnyEvent]) -> None:
        """Take in a transcript."""

    def judge(self, record: Record, case: Case) -> Iterable[Effect]:
        """Effects that are known by now, of this record or of those before."""
        raise NotImplementedError

    def finish(self) -> Iterable[Effect]:
        """Effects that are left when there are no more records."""
        return ()


def accepted(record: Record) -> bool:
    """Whether the message came in."""
    return record.state in ("accepted", "accepted-unacknowledged")


def has(record: Record, code: str) -> bool:
    """Whether something was found."""
    return any(found.code == code for found in record.findings)
