"""Where pure checks meet DNS: what they ask is fetched, counted and kept; they run again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Iterable
from itertools import chain
from typing import Any, TypeVar, cast

from monitor.checks.judgements import Judgements
from monitor.dns import Resolver
from monitor.findings.answers import Answer, Ask, NeedAnswer, Question, canonical

__all__ = ["Inquiry"]

T = TypeVar("T")


class Inquiry:
    """The DNS questions of one transaction, all checks together.

    Calling it is the ``Ask`` of the checks: an answer at hand is given, else NeedAnswer
    is raised. Past ``questions`` of them, and past ``deadline`` (the running loop's time),
    the answer is one of status ``timeout``: so a check ends with its own temporary error,
    and a replay with the same answers ends likewise.
    """

    def __init__(
        self,
        resolver: Resolver,
        *,
        questions: int,
        deadline: float,
        judgements: Judgements | None = None,
    ) -> None:
        self._resolver = resolver
        self._judgements = Judgements(resolver) if judgements is None else judgements
        self._answers: dict[Question, Answer] = {}
        self.used: dict[Question, Answer] = {}  # by the check that runs, or ran last
        self._left = questions
        self.refused = False  # a question was one too many
        self._deadline = deadline
        self._soon: list[Iterable[Question]] = []
        self._ahead: list[asyncio.Future[Answer]] = []

    def close(self) -> None:
        """Nobody needs what was asked ahead any more."""
        for task in self._ahead:
            task.cancel()

    @property
    def answers(self) -> tuple[Answer, ...]:
        """Every answer that was given, in order."""
        return tuple(self._answers.values())

    def __call__(self, name: str, rdtype: str) -> Answer:
        question = (canonical(name), rdtype)
        answer = self._at_hand(question)
        if answer is None:
            raise NeedAnswer(question)
        self.used[question] = answer
        return answer

    async def settle(
        self,
        check: Callable[[Ask], T],
        key: Hashable = None,
        keep: Callable[[T], bool] | None = None,
    ) -> T:
        """Run ``check`` as often as it needs more answers; its own exceptions pass.

        With a ``key``, which holds all that the check knows besides answers, its result is
        remembered, where ``keep`` says so of it, and taken again without a run. Nobody may
        change it.
        """
        if key is not None and (known := self.recall(key)) is not None:
            return cast("T", known)
        while True:
            self.used = {}
            try:
                result = check(self)
            except NeedAnswer as need:
                await self.fetch(need.questions)
                continue
            if key is not None and (keep is None or keep(result)):
                self.keep(key, result, self.used)
            return result

    def keep(
        self, key: Hashable, result: object, answers: dict[Question, Answer] | None = None
    ) -> None:
        """Remember ``result`` as what ``key`` and ``answers``, or all that were given, come to."""
        self._judgements.put(key, result, self._answers if answers is None else answers)

    def recall(self, key: Hashable) -> Any:
        """The result kept for ``key``, where it holds; else None.

        What it came of is told and counted as if asked now.
        """
        found = self._judgements.get(key)
        if found is None:
            return None
        ours, its = self._answers, found.answers
        asked = [question for question in its if question in ours]
        new = len(its) - len(asked)
        if new > self._left or any(ours[question] != its[question] for question in asked):
            return None
        self._left -= new
        ours.update(its)
        self.used = found.answers
        return found.result

    async def fetch(self, questions: Iterable[Question]) -> None:
        """Have the answers to ``questions`` at hand, all asked at the same time."""
        wanted = dict.fromkeys((canonical(name), rdtype) for name, rdtype in questions)
        missing = [question for question in wanted if self._at_hand(question) is None]
        missing = missing[: self._left]
        if not missing:
            return
        self._left -= len(missing)
        asked = [asyncio.ensure_future(self._resolver.answer(*question)) for question in missing]
        self._ask_ahead(missing)
        time_left = self._deadline - asyncio.get_running_loop().time()
        try:
            await asyncio.wait(asked, timeout=max(0.0, time_left))
        finally:
            for question, task in zip(missing, asked, strict=True):
                task.cancel()
                self._answers.setdefault(question, _outcome(task, question))

    def ahead(self, questions: Iterable[Question]) -> None:
        """Let the resolver ask what will be needed soon, as soon as a check has to wait anyway.

        Counted when a check asks for it.
        """
        self._soon.append(questions)

    def _ask_ahead(self, asked: list[Question]) -> None:
        soon = ((canonical(name), rdtype) for name, rdtype in chain.from_iterable(self._soon))
        for question in dict.fromkeys(soon):
            if len(self._ahead) >= self._left:
                break
            if question not in asked and self._resolver.known(*question) is None:
                self._ahead.append(asyncio.ensure_future(self._resolver.answer(*question)))
        self._soon.clear()

    def _at_hand(self, question: Question) -> Answer | None:
        answer = self._answers.get(question)
        if answer is None:
            if self._left <= 0:
                self.refused = True
                return _unanswered(question)
            answer = self._resolver.known(*question)
            if answer is not None:
                self._left -= 1
                self._answers[question] = answer
        return answer


def _unanswered(question: Question) -> Answer:
    return Answer(name=question[0], type=question[1], status="timeout")


def _outcome(task: asyncio.Future[Answer], question: Question) -> Answer:
    if task.done() and not task.cancelled() and task.exception() is None:
        return task.result()
    return _unanswered(question)
