"""The memory in the process: bounded, and what is due is due once."""

from __future__ import annotations

from monitor.findings.memory import Bounded


def test_what_is_due_is_given_once_until_it_is_written_again() -> None:
    memory = Bounded()
    for value in (b"1", b"2"):
        memory.put("k", "a", value, expires=100, due=10)
    memory.put("k", "b", b"3", expires=100, due=5)
    memory.put("k", "c", b"4", expires=100, due=11)
    assert memory.due("k", 10, 9) == [("b", b"3"), ("a", b"2")]
    assert memory.due("k", 10, 1) == [("b", b"3")]
    memory.put("k", "a", b"5", expires=100)
    memory.drop("k", "b")
    assert memory.due("k", 10, 9) == []
    assert memory.due("other", 10, 9) == []


def test_the_longest_unwritten_goes_first_and_is_not_due() -> None:
    memory = Bounded(2)
    for key in ("a", "b", "a", "c"):
        memory.put("k", key, b"1", expires=100, due=1)
    assert memory.get("k", "b") is None
    assert [key for key, _ in memory.due("k", 1, 9)] == ["a", "c"]
    assert [key for key, _ in memory.newest("k", 9)] == ["c", "a"]
    assert len(memory) == 2
