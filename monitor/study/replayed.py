"""Studies of a recording, in a thread of the process that shows it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from monitor.capture.reel import Reel
from monitor.config import Settings
from monitor.insight.questions import Question
from monitor.policy.entry import Entry
from monitor.study.answer import answer
from monitor.study.past import of_reel

__all__ = ["Replayed"]


class Replayed:
    """Asks one question at a time of what was played so far; another ends the one before."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._asked = 0

    async def __call__(
        self, question: Question, reel: Reel, until: float, entries: Sequence[Entry]
    ) -> object:
        """The answer; ``entries`` are the lists of the rehearsal. Raises StudyError."""
        self._asked += 1
        mine = self._asked
        past = of_reel(reel, until, entries, wanted=lambda: self._asked == mine)
        try:
            return await asyncio.to_thread(answer, question, past, self._settings, online=False)
        except asyncio.CancelledError:
            self._asked += 1
            raise
