"""Who waits, as the retry memory tells it."""

from __future__ import annotations

from pathlib import Path

from conversation import World

from monitor.assembler import Assembler
from monitor.findings.retry.waiting import waits
from monitor.findings.retry.witness import Witness
from monitor.store import Store

LATER = "451 4.3.2 Please try again later"


def test_a_wait_tells_its_attempts_and_when_the_next_is_expected():
    world = World()
    world.attempt("192.0.2.1", LATER)
    world.wait(1_000)
    world.attempt("192.0.2.2", LATER)
    (wait,) = waits(world.memory)
    assert (wait.sender, wait.recipient, wait.count) == ("a@sender.example", "b@here.example", 2)
    assert [(t.ip, t.transaction) for t in wait.tries] == [
        ("192.0.2.1", "s1-1"),
        ("192.0.2.2", "s2-1"),
    ]
    assert wait.code == 451
    assert 990 < wait.expected - wait.last.at < 1_010
    assert wait.gave_up == 0


def test_the_first_retry_is_expected_when_the_reply_asked_for_it():
    world = World()
    world.attempt(reply="450 4.2.0 Greylisted, try again in 3000 seconds")
    (wait,) = waits(world.memory)
    assert 2_990 < wait.expected - wait.last.at < 3_010


def test_accepted_and_refused_mail_waits_no_more():
    world = World()
    world.attempt(reply=LATER)
    world.attempt(reply=LATER, sender="c@sender.example")
    assert len(waits(world.memory)) == 2
    world.attempt()
    world.attempt(reply="550 5.1.1 No", sender="c@sender.example")
    assert waits(world.memory) == []


def test_the_longest_wait_is_first_and_silence_is_told():
    world = World()
    world.attempt(reply=LATER)
    world.wait(25 * 3_600)
    world.attempt(reply=LATER, sender="c@sender.example")
    old, new = waits(world.memory)
    assert old.since < new.since
    assert old.gave_up > 0
    assert new.gave_up == 0


def test_a_replay_remembers_who_waits_and_finds_nothing():
    world = World()
    world.attempt(reply=LATER)
    world.attempt(reply=LATER)
    witness = Witness()
    world.assembler = Assembler([witness])
    world.outputs.clear()
    world.attempt(reply=LATER)
    world.attempt(reply=LATER)
    assert world.codes() == []
    (wait,) = witness.waiting(world.now)
    assert wait.count == 2


def test_waits_outlive_a_restart_of_the_store(tmp_path: Path):
    store = Store(tmp_path)
    world = World(store.memory)
    world.attempt(reply=LATER)
    store.close()
    again = Store(tmp_path)
    assert [wait.sender for wait in waits(again.memory)] == ["a@sender.example"]
    world = World(again.memory, at=world.now)
    world.attempt(reply=LATER)
    assert world.severity("retry.immediate") == "error"
    world.wait(25 * 3_600)
    assert world.severity("retry.gave-up") == "error"
    again.close()
