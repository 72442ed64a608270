"""What checks came to, remembered for as long as the DNS says the same.

A check is a function of its key and of the answers that it asks for, one after the other. Where
the same questions find equal answers, it would come to the same, and need not run.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Any, NamedTuple

from monitor.findings.answers import Answer

__all__ = ["Judgement", "Judgements"]

SIZE = 16_384  # answers, of at most 1024 characters each, that are held on to
_UNIT = 1_024  # characters of records that count as one more


class Judgement(NamedTuple):
    """A result, which nobody may change, and the answers that it came of, as they were asked."""

    result: Any
    answers: tuple[Answer, ...]
    cost: int


class Judgements:
    """The least recently used goes first."""

    def __init__(self, size: int = SIZE) -> None:
        """Hold ``size`` answers; a judgement by itself counts as one."""
        self._size = size
        self._used = 0
        self._entries: OrderedDict[Hashable, Judgement] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: Hashable) -> Judgement | None:
        """What was made of ``key``, of answers that may be others by now."""
        found = self._entries.get(key)
        if found is not None:
            self._entries.move_to_end(key)
        return found

    def put(self, key: Hashable, result: object, answers: tuple[Answer, ...]) -> None:
        """Remember ``result``, unless an answer was missing: that is soon mended."""
        if any(answer.failed for answer in answers):
            return
        if (before := self._entries.pop(key, None)) is not None:
            self._used -= before.cost
        size = sum(len(record) for answer in answers for record in answer.records)
        found = Judgement(result, answers, 1 + len(answers) + size // _UNIT)
        self._entries[key] = found
        self._used += found.cost
        while self._used > self._size:
            self._used -= self._entries.popitem(last=False)[1].cost
