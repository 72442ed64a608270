"""Senders that fall silent: told by the clock, and only where nothing speaks for them."""

from __future__ import annotations

import pytest
from conversation import World

from monitor.record import Late

CODE = "retry.gave-up"
LATER = "451 4.3.2 Please try again later"
HOUR = 3_600.0


def tried(hours: float, retries: int = 1, **more: object) -> World:
    """A world in which a sender tried for some hours, and then no more."""
    world = World()
    world.attempt(reply=LATER, **more)
    for _ in range(retries):
        world.wait(hours * HOUR / retries)
        world.attempt(reply=LATER, **more)
    return world


@pytest.mark.parametrize(
    ("hours", "severity"), [(3, "error"), (5, "warning"), (21, "notice"), (97, None)]
)
def test_the_life_of_a_message_decides(hours: float, severity: str | None):
    world = tried(hours, retries=int(hours))
    world.wait(30 * HOUR)
    assert world.severity(CODE) == severity


def test_without_any_retry_a_day_goes_by_first():
    world = World()
    world.attempt(reply=LATER)
    world.wait(23.9 * HOUR)
    assert world.codes(CODE) == []
    world.wait(0.2 * HOUR)
    assert world.severity(CODE) == "error"


def test_silence_is_measured_by_the_last_interval():
    world = tried(5)
    world.wait(19.9 * HOUR)
    assert world.codes(CODE) == []
    world.wait(0.2 * HOUR)
    assert world.severity(CODE) == "warning"


def test_it_is_told_once_of_the_last_attempt():
    world = tried(3, retries=3)
    world.wait(40 * HOUR)
    (late,) = [o for o in world.outputs if isinstance(o, Late)]
    assert (late.id, late.about) == ("s4", "s4-1")
    (found,) = late.findings
    assert found.evidence["count"] == 4
    assert [a["session"] for a in found.evidence["attempts"]] == ["s1", "s2", "s3", "s4"]


def test_the_null_reverse_path_may_give_up_sooner():
    world = tried(5, retries=5, sender="")
    world.wait(30 * HOUR)
    assert world.severity(CODE) == "notice"


def test_accepted_mail_was_not_given_up():
    world = tried(3)
    world.wait(HOUR)
    world.attempt()
    world.wait(40 * HOUR)
    assert world.codes(CODE) == []


def test_returned_after_a_refusal_mail_was_not_given_up():
    world = tried(3)
    world.wait(HOUR)
    world.attempt(reply="550 5.1.1 User unknown")
    world.wait(40 * HOUR)
    assert world.codes(CODE) == []


def test_what_spans_a_downtime_is_void():
    world = tried(3)
    world.wait(HOUR)
    world.wait(600, ticking=False)
    world.wait(40 * HOUR)
    assert world.codes(CODE) == []


def test_a_restart_in_a_moment_voids_nothing():
    world = tried(3)
    world.wait(HOUR)
    world.start()
    world.wait(40 * HOUR)
    assert world.severity(CODE) == "error"


def test_a_downtime_across_a_restart_is_noticed():
    world = tried(3)
    world.wait(HOUR)
    world.start()
    world.wait(3 * HOUR, ticking=False)
    world.wait(40 * HOUR)
    assert world.codes(CODE) == []


def test_a_fallback_to_the_next_mx_is_no_retry():
    world = World()
    world.attempt(reply=LATER, relay="mx1")
    world.attempt(reply=LATER, relay="mx2")
    world.wait(23 * HOUR)
    assert world.codes(CODE) == []
    world.wait(2 * HOUR)
    (found,) = world.found(CODE)
    assert found.evidence["count"] == 1


def test_a_sender_that_comes_back_is_judged_anew():
    world = tried(3)
    world.wait(30 * HOUR)
    assert world.codes(CODE) == [CODE]
    world.attempt(reply=LATER)
    world.wait(200 * HOUR)
    assert [found.severity for found in world.found(CODE)] == ["error", "notice"]


def test_another_relay_that_was_down_may_have_missed_the_retries():
    here = World(name="mx1.here.example")
    beside = World(here.memory, name="mx2.here.example")
    beside.tick()
    here.attempt(reply=LATER)
    here.wait(26 * HOUR)
    assert here.codes(CODE) == []


def test_another_relay_that_ticks_or_has_long_been_gone_excuses_nobody():
    here = World(name="mx1.here.example")
    beside = World(here.memory, name="mx2.here.example")
    gone = World(here.memory, name="mx3.here.example", at=here.now - 100 * HOUR)
    gone.tick()
    here.attempt(reply=LATER)
    for _ in range(26 * 60):
        beside.wait(60)
        here.wait(60)
    assert here.severity(CODE) == "error"
