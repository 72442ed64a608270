"""Settling: questions are asked together, counted, bounded in time, and asked once."""

from __future__ import annotations

import asyncio

import pytest

from monitor.checks.settle import Inquiry
from monitor.findings.answers import Answer, ask_all


class Slow:
    """A resolver that answers when told; ``at_hand`` names are known without waiting."""

    def __init__(self, at_hand: tuple[str, ...] = (), open_: bool = True) -> None:
        self.asked: list[str] = []
        self.at_hand = at_hand
        self.gate = asyncio.Event()
        if open_:
            self.gate.set()

    def known(self, name: str, rdtype: str) -> Answer | None:
        return self._make(name, rdtype) if name in self.at_hand else None

    def left(self, questions) -> float:
        return 0.0

    async def answer(self, name: str, rdtype: str) -> Answer:
        self.asked.append(name)
        await self.gate.wait()
        return self._make(name, rdtype)

    def _make(self, name: str, rdtype: str) -> Answer:
        return Answer(name=name, type=rdtype, status="ok", records=(f"of {name}",))


def inquiry(resolver, questions: int = 100, deadline: float = 5) -> Inquiry:
    ends = asyncio.get_running_loop().time() + deadline
    return Inquiry(resolver, questions=questions, deadline=ends)


def chain(*names: str):
    """A check that asks for one name after the other."""

    def check(ask):
        return [ask(name, "TXT").status for name in names]

    return check


async def test_a_check_runs_until_it_has_every_answer():
    resolver = Slow()
    ask = inquiry(resolver)
    assert await ask.settle(chain("a", "b", "A.")) == ["ok", "ok", "ok"]
    assert resolver.asked == ["a", "b"]
    assert [a.name for a in ask.answers] == ["a", "b"]


async def test_questions_of_one_round_are_asked_at_the_same_time():
    resolver = Slow(open_=False)
    ask = inquiry(resolver)
    task = asyncio.create_task(ask.settle(lambda a: ask_all(a, [(name, "TXT") for name in "abc"])))
    for _ in range(3):
        await asyncio.sleep(0)
    assert resolver.asked == ["a", "b", "c"]
    resolver.gate.set()
    assert len(await task) == 3


async def test_an_answer_at_hand_takes_no_second_run():
    runs = []
    resolver = Slow(at_hand=("a", "b"))

    def check(ask):
        runs.append(1)
        return [ask(name, "TXT").status for name in "ab"]

    ask = inquiry(resolver)
    assert await ask.settle(check) == ["ok", "ok"]
    assert (len(runs), resolver.asked, len(ask.answers)) == (1, [], 2)


@pytest.mark.parametrize("at_hand", [(), ("a", "b", "c", "d")])
async def test_past_the_budget_the_answer_is_a_timeout(at_hand):
    resolver = Slow(at_hand)
    ask = inquiry(resolver, questions=2)
    assert await ask.settle(chain("a", "b", "c", "a", "d")) == [
        "ok",
        "ok",
        "timeout",
        "ok",
        "timeout",
    ]
    assert len(ask.answers) == 2


async def test_past_the_deadline_the_answer_is_a_timeout():
    ask = inquiry(Slow(open_=False), deadline=0.02)
    assert await ask.settle(chain("a", "b")) == ["timeout", "timeout"]


async def test_a_resolver_that_breaks_its_promise_is_a_timeout():
    class Broken(Slow):
        async def answer(self, name, rdtype):
            raise OSError("no sockets left")

    assert await inquiry(Broken()).settle(chain("a")) == ["timeout"]


async def test_the_exception_of_a_check_passes():
    def check(ask):
        ask("a", "TXT")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await inquiry(Slow()).settle(check)


async def test_what_is_asked_ahead_is_not_counted_and_ends_with_the_inquiry():
    resolver = Slow(open_=False)
    ask = inquiry(resolver, questions=4)
    ask.ahead([(name, "TXT") for name in "abcdef"])
    task = asyncio.create_task(ask.settle(chain("b")))
    for _ in range(3):
        await asyncio.sleep(0)
    assert resolver.asked == ["b", "a", "c", "d"]
    resolver.gate.set()
    assert await task == ["ok"]
    assert [a.name for a in ask.answers] == ["b"]
    ask.close()


async def test_nothing_is_asked_ahead_where_every_answer_is_at_hand():
    resolver = Slow(at_hand=("a",))
    ask = inquiry(resolver)
    ask.ahead([("b", "TXT")])
    assert await ask.settle(chain("a")) == ["ok"]
    await asyncio.sleep(0)
    assert resolver.asked == []
