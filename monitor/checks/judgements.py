"""What checks came to, remembered for as long as the DNS says the same.

A check is a function of its key and of the answers that it asks for, one after the other. Where
the same questions find equal answers, it would come to the same, and need not run.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any

from monitor.dns import Resolver
from monitor.findings.answers import Answer, Question

__all__ = ["Judgement", "Judgements"]

SIZE = 16_384  # answers, of at most 1024 characters each, that are held on to
_UNIT = 1_024  # characters of records that count as one more


class Judgement:
    """A result, which nobody may change, and the answers that it came of, as they were asked."""

    __slots__ = ("answers", "cost", "result", "until")

    def __init__(self, result: Any, answers: dict[Question, Answer], until: float) -> None:
        """``until`` is when the first of the answers expires."""
        self.result = result
        self.answers = answers
        self.until = until
        size = 0
        for answer in answers.values():
            size += sum(map(len, answer.records))
        self.cost = 1 + len(answers) + size // _UNIT


class Judgements:
    """The least recently used goes first."""

    def __init__(
        self,
        resolver: Resolver,
        size: int = SIZE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Hold ``size`` answers; a judgement by itself counts as one."""
        self._resolver = resolver
        self._size = size
        self._clock = clock
        self._used = 0
        self._entries: OrderedDict[Hashable, Judgement] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: Hashable) -> Judgement | None:
        """What was made of ``key``, where the resolver has the same answers still at hand."""
        found = self._entries.get(key)
        if found is None:
            return None
        self._entries.move_to_end(key)
        if self._clock() >= found.until:
            known = self._resolver.known
            if any(known(*question) != answer for question, answer in found.answers.items()):
                return None
            found.until = self._until(found.answers)
        return found

    def put(self, key: Hashable, result: object, answers: dict[Question, Answer]) -> None:
        """Remember ``result``, unless an answer was missing: that is soon mended."""
        for answer in answers.values():
            if answer.failed:
                return
        if (before := self._entries.pop(key, None)) is not None:
            self._used -= before.cost
        found = self._entries[key] = Judgement(result, answers, self._until(answers))
        self._used += found.cost
        while self._used > self._size:
            self._used -= self._entries.popitem(last=False)[1].cost

    def _until(self, answers: dict[Question, Answer]) -> float:
        return self._clock() + self._resolver.left(answers)
