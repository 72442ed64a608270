"""Answers of a capture: a replay asks nobody."""

from __future__ import annotations

import math
from collections.abc import Iterable

from monitor.findings.answers import Answer, Question, canonical


class Recorded:
    """A resolver over answers that were given once; what was not asked then times out."""

    def __init__(self, answers: Iterable[Answer] = ()) -> None:
        self._answers = {(a.name, a.type): a for a in answers}

    def known(self, name: str, rdtype: str) -> Answer:
        """The recorded answer, else one of status ``timeout``."""
        question = (canonical(name), rdtype)
        answer = self._answers.get(question)
        return answer or Answer(name=question[0], type=rdtype, status="timeout")

    def left(self, questions: Iterable[Question]) -> float:
        """For ever: what was recorded does not change."""
        return math.inf

    async def answer(self, name: str, rdtype: str) -> Answer:
        """As :meth:`known`."""
        return self.known(name, rdtype)
