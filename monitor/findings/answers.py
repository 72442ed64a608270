"""DNS answers as facts: what a check may ask, and how it says what it still needs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal

import msgspec

Status = Literal["ok", "nodata", "nxdomain", "servfail", "timeout"]
Question = tuple[str, str]


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to one question.

    ``records`` are presentation forms: addresses for A and AAAA, ``"10 mx.example"`` for
    MX (a null MX is ``"0 ."``), names in lower case without the final dot for PTR, CNAME
    and NS, and for TXT the character-strings of a record joined and escaped
    (:func:`monitor.text.escape`). CNAMEs are followed; ``canonical`` is the last name.
    ``secure`` is the resolver's AD bit, None where the path to it cannot be trusted.
    ``ttl`` is seconds.
    """

    name: str
    type: str
    status: Status
    records: tuple[str, ...] = ()
    canonical: str = ""
    secure: bool | None = None
    ttl: int = 0

    @property
    def failed(self) -> bool:
        """True where nothing is known: the caller's result is a temporary error."""
        return self.status in ("servfail", "timeout")


class NeedAnswer(Exception):
    """A check cannot go on before these questions are answered."""

    def __init__(self, *questions: Question) -> None:
        super().__init__(questions)
        self.questions = questions


Ask = Callable[[str, str], Answer]


def ask_all(ask: Ask, questions: Iterable[Question]) -> list[Answer]:
    """The answer to each question; raises NeedAnswer once, with all that are missing."""
    found: list[Answer] = []
    missing: list[Question] = []
    for question in questions:
        try:
            found.append(ask(*question))
        except NeedAnswer as need:
            missing.extend(need.questions)
    if missing:
        raise NeedAnswer(*missing)
    return found


def canonical(name: str) -> str:
    """The form in which a name is asked and remembered: lower case, no final dot."""
    return name.rstrip(".").lower()


class Answers:
    """The answers in hand; calling it gives one or raises :class:`NeedAnswer`."""

    def __init__(self, known: Iterable[Answer] = ()) -> None:
        self._known: dict[Question, Answer] = {(a.name, a.type): a for a in known}

    def __call__(self, name: str, rdtype: str) -> Answer:
        question = (canonical(name), rdtype)
        answer = self._known.get(question)
        if answer is None:
            raise NeedAnswer(question)
        return answer

    def __contains__(self, question: Question) -> bool:
        return question in self._known

    def __len__(self) -> int:
        return len(self._known)

    def add(self, answer: Answer) -> None:
        """Remember one more answer, under the name and type that were asked."""
        self._known[answer.name, answer.type] = answer

    def all(self) -> tuple[Answer, ...]:
        """Every answer, in the order in which they came."""
        return tuple(self._known.values())
