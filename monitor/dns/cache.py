"""A cache of DNS answers, bounded in size and by their TTL."""

from __future__ import annotations

from collections import OrderedDict

from monitor.findings.answers import Answer, Question

MAX_TTL = 86_400  # seconds; RFC 8767 4 advises a bound of days
NEGATIVE_TTL = 3_600  # seconds at most, for what does not exist (RFC 2308 5)
FAILURE_TTL = 10  # seconds, for what could not be asked (RFC 2308 7: at most 300)
_UNIT = 1_024  # characters of records that count as one more answer


class Cache:
    """The least recently used goes first. Times are the caller's clock, in seconds."""

    def __init__(self, size: int) -> None:
        """Hold ``size`` answers; one with more than 1024 characters counts as several."""
        self._size = size
        self._used = 0
        self._entries: OrderedDict[Question, tuple[float, int, Answer]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, question: Question, now: float) -> Answer | None:
        """The answer, where one is known that has not expired at ``now``."""
        entry = self._entries.get(question)
        if entry is None:
            return None
        if entry[0] <= now:
            self._drop(question)
            return None
        self._entries.move_to_end(question)
        return entry[2]

    def expires(self, question: Question) -> float:
        """When the answer goes; 0 where there is none."""
        entry = self._entries.get(question)
        return entry[0] if entry is not None else 0.0

    def put(self, answer: Answer, now: float) -> None:
        """Keep ``answer`` for as long as it says, within bounds."""
        question = (answer.name, answer.type)
        self._drop(question)
        lifetime = _lifetime(answer)
        if lifetime <= 0:
            return
        cost = 1 + sum(map(len, answer.records)) // _UNIT
        self._entries[question] = (now + lifetime, cost, answer)
        self._used += cost
        while self._used > self._size:
            self._drop(next(iter(self._entries)))

    def _drop(self, question: Question) -> None:
        entry = self._entries.pop(question, None)
        if entry is not None:
            self._used -= entry[1]


def _lifetime(answer: Answer) -> int:
    if answer.failed:
        return FAILURE_TTL
    return min(answer.ttl, MAX_TTL if answer.status == "ok" else NEGATIVE_TTL)
