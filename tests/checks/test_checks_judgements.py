"""Judgements: taken again only where the check would come to the same, and told alike."""

from __future__ import annotations

import asyncio

import pytest

from monitor.checks.case import Envelope
from monitor.checks.checker import Checker
from monitor.checks.judgements import Judgements
from monitor.checks.settle import Inquiry
from monitor.config import Settings
from monitor.dns.zone import Zone
from monitor.findings.answers import Answer


class Book:
    """A resolver that has at hand what is written in it."""

    def __init__(self, *names: str) -> None:
        self.records = dict.fromkeys(names, "v1")
        self.asked: list[str] = []

    def known(self, name: str, rdtype: str) -> Answer | None:
        if name not in self.records:
            return None
        return Answer(name=name, type=rdtype, status="ok", records=(self.records[name],))

    async def answer(self, name: str, rdtype: str) -> Answer:
        self.asked.append(name)
        return Answer(name=name, type=rdtype, status="ok", records=("fetched",))


class Check:
    """Asks for one name after the other; counts its runs."""

    def __init__(self, *names: str) -> None:
        self.names = names
        self.runs = 0

    def __call__(self, ask) -> list[str]:
        self.runs += 1
        return [(ask(name, "TXT").records or ("",))[0] for name in self.names]


@pytest.fixture
def inquiry():
    """Makes inquiries that share one memory."""
    judgements = Judgements()

    def make(resolver, questions: int = 10) -> Inquiry:
        ends = asyncio.get_running_loop().time() + 5
        return Inquiry(resolver, questions=questions, deadline=ends, judgements=judgements)

    return make


async def test_equal_answers_take_no_second_run_and_are_told_alike(inquiry):
    check, book = Check("a", "b", "a"), Book("a", "b")
    first, second = inquiry(book), inquiry(book)
    assert await first.settle(check, "k") == await second.settle(check, "k") == ["v1"] * 3
    assert check.runs == 1
    assert first.answers == second.answers
    assert [a.name for a in second.answers] == ["a", "b"]


async def test_another_key_is_another_matter(inquiry):
    check, book = Check("a"), Book("a")
    await inquiry(book).settle(check, "k")
    await inquiry(book).settle(check, "other")
    await inquiry(book).settle(check)
    assert check.runs == 3


async def test_another_answer_is_judged_anew(inquiry):
    check, book = Check("a", "b"), Book("a", "b")
    await inquiry(book).settle(check, "k")
    book.records["b"] = "v2"
    assert await inquiry(book).settle(check, "k") == ["v1", "v2"]
    assert await inquiry(book).settle(check, "k") == ["v1", "v2"]
    assert check.runs == 2


async def test_an_answer_that_has_expired_is_asked_for(inquiry):
    check, book = Check("a", "b"), Book("a", "b")
    await inquiry(book).settle(check, "k")
    del book.records["b"]
    again = inquiry(book)
    assert await again.settle(check, "k") == ["v1", "fetched"]
    assert book.asked == ["b"]
    assert [a.records for a in again.answers] == [("v1",), ("fetched",)]


@pytest.mark.parametrize("questions", [0, 1, 2])
async def test_the_budget_of_questions_is_the_same(inquiry, questions):
    check, book = Check("a", "b"), Book("a", "b")
    fresh = Inquiry(book, questions=questions, deadline=asyncio.get_running_loop().time() + 5)
    expected = await fresh.settle(check)
    await inquiry(book).settle(check, "k")
    bounded = inquiry(book, questions)
    assert await bounded.settle(check, "k") == expected
    assert (bounded.answers, bounded.refused) == (fresh.answers, fresh.refused)


async def test_what_failed_is_not_remembered(inquiry):
    check, book = Check("a"), Book("a")
    book.known = lambda name, kind: Answer(name=name, type=kind, status="servfail")
    await inquiry(book).settle(check, "k")
    await inquiry(book).settle(check, "k")
    assert check.runs == 2


async def test_a_check_can_tell_that_its_result_holds_only_once(inquiry):
    check, book = Check("a"), Book("a")
    for _ in range(2):
        await inquiry(book).settle(check, "k", lambda found: found != ["v1"])
    assert check.runs == 2


def test_the_memory_is_bounded_by_answers_and_their_size():
    memory = Judgements(size=10)
    small = (Answer(name="a", type="TXT", status="ok"),)
    for key in range(100):
        memory.put(key, None, small)
        memory.put(key, None, small)
    assert len(memory) == 5
    memory.get(95)
    memory.put("large", None, (Answer(name="a", type="TXT", status="ok", records=("x" * 4_096,)),))
    assert [key for key in range(100) if memory.get(key)] == [95, 99]
    memory.put("huge", None, (Answer(name="a", type="TXT", status="ok", records=("x" * 20_000,)),))
    assert len(memory) == 0


NAMES = """
d.test. TXT "v=spf1 exists:%{l}.ok.test -all"
joe.ok.test. A 127.0.0.2
e.test. TXT "v=spf1 ip4:192.0.2.5 -all"
"""


async def test_a_record_about_local_parts_is_judged_for_each():
    checker = Checker(Zone(NAMES), Settings())
    results = []
    for address in ("joe@d.test", "ann@d.test", "joe@d.test", "a@e.test", "b@e.test", ""):
        envelope = Envelope(ip="192.0.2.5", helo="mta.test", mail_from=address)
        results.append((await checker.sender(envelope)).spf.result)
    assert results == ["pass", "fail", "pass", "pass", "pass", "none"]
