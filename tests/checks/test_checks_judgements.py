"""Judgements: taken again only where the check would come to the same, and told alike."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from monitor.checks import checker as checker_module
from monitor.checks import sender as sender_module
from monitor.checks.case import Envelope
from monitor.checks.checker import Checker
from monitor.checks.judgements import Judgements
from monitor.checks.settle import Inquiry
from monitor.config import Settings
from monitor.dns.zone import Zone
from monitor.findings.answers import Answer, Question


class Book:
    """A resolver that has at hand what is written in it."""

    def __init__(self, *names: str) -> None:
        self.records = dict.fromkeys(names, "v1")
        self.asked: list[str] = []

    def known(self, name: str, rdtype: str) -> Answer | None:
        if name not in self.records:
            return None
        return Answer(name=name, type=rdtype, status="ok", records=(self.records[name],))

    def left(self, questions) -> float:
        return 0.0

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


def broken(*_):
    raise AssertionError


def answers(*given: Answer) -> dict[Question, Answer]:
    return {(answer.name, answer.type): answer for answer in given}


@pytest.fixture
def inquiry():
    """Makes inquiries that share one memory."""
    judgements: Judgements | None = None

    def make(resolver, questions: int = 10) -> Inquiry:
        nonlocal judgements
        if judgements is None:
            judgements = Judgements(resolver)
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


async def test_within_their_time_answers_are_not_looked_for_again(inquiry):
    check, book = Check("a", "b"), Book("a", "b")
    book.left = lambda questions: 30.0
    await inquiry(book).settle(check, "k")
    book.known = broken
    again = inquiry(book)
    assert await again.settle(check, "k") == ["v1", "v1"]
    assert [a.name for a in again.answers] == ["a", "b"]


def test_a_judgement_lasts_as_long_as_the_first_answer_that_goes():
    now, book = 100.0, Book("a", "b")
    book.left = lambda questions: min({"a": 60.0, "b": 30.0}[name] for name, _ in questions)
    memory = Judgements(book, clock=lambda: now)
    memory.put("k", "made", answers(book.known("a", "TXT"), book.known("b", "TXT")))
    book.records["a"] = "v2"
    now = 129.0
    assert memory.get("k").result == "made"
    now = 130.0
    assert memory.get("k") is None
    book.records["a"] = "v1"
    assert memory.get("k").result == "made"
    del book.records["b"]
    now = 159.0
    assert memory.get("k").result == "made"
    now = 160.0
    assert memory.get("k") is None


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
    memory = Judgements(Zone(""), size=10)
    small = answers(Answer(name="a", type="TXT", status="ok"))
    for key in range(100):
        memory.put(key, None, small)
        memory.put(key, None, small)
    assert len(memory) == 5
    memory.get(95)
    large = answers(Answer(name="a", type="TXT", status="ok", records=("x" * 4_096,)))
    memory.put("large", None, large)
    assert [key for key in range(100) if memory.get(key)] == [95, 99]
    huge = answers(Answer(name="a", type="TXT", status="ok", records=("x" * 20_000,)))
    memory.put("huge", None, huge)
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


async def test_a_sender_is_judged_once_for_all_its_addresses(monkeypatch):
    checker = Checker(Zone(NAMES), Settings())
    known = [Envelope(ip="192.0.2.5", helo="mta.test", mail_from=f"{n}@e.test") for n in "ab"]
    first = await checker.sender(known[0])
    monkeypatch.setattr(sender_module.spf, "check", broken)
    monkeypatch.setattr(sender_module.helo, "judge", broken)
    assert await checker.sender(known[1]) == first
    other = await checker.sender(msgspec.structs.replace(known[0], ip="192.0.2.6"))
    assert "relay.check-failed" in {finding.code for finding in other.findings}
    assert await checker.sender(known[1]) == first


async def test_a_finding_about_a_recipient_names_its_own_address():
    checker = Checker(Zone(NAMES), Settings())
    for address in ("a@d.test", "b@d.test", "a@d.test"):
        (found,) = (await checker.recipients([address])).findings
        assert found.evidence["recipient"] == address


async def test_a_fault_of_a_check_is_not_remembered(monkeypatch):
    checker = Checker(Zone(NAMES), Settings())
    with monkeypatch.context() as while_broken:
        while_broken.setattr(checker_module, "check", broken)
        assert (await checker.client("192.0.2.5")).findings[0].code == "relay.check-failed"
    assert (await checker.client("192.0.2.5")).findings[0].code == "rdns.none"
