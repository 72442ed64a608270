"""A timer by address starts anew when the retry comes from another host."""

from __future__ import annotations

from conversation import World

CODE = "greylist.timer-reset"
SPF = {"spf": "sender.example"}


def grey(left: int | str = "") -> str:
    return "450 4.2.0 Greylisted" + (f", try again in {left} seconds" if left != "" else "")


def test_another_network_of_the_pool_starts_the_timer_anew():
    world = World()
    world.attempt("192.0.2.1", grey(300), **SPF)
    world.wait(60)
    world.attempt("198.51.100.1", grey(300), **SPF)
    (found,) = world.found(CODE)
    assert found.severity == "notice"
    assert found.evidence["hosts"] == ["192.0.2.1", "198.51.100.1"]
    assert found.evidence["resets"] == 1


def test_it_is_likely_where_the_reply_tells_no_time():
    world = World()
    world.attempt("192.0.2.1", grey(), **SPF)
    world.wait(60)
    world.attempt("198.51.100.1", grey(), **SPF)
    assert world.codes(CODE) == [CODE]


def test_a_neighbour_is_not_charged_without_evidence():
    world = World()
    world.attempt("192.0.2.1", grey())
    world.wait(60)
    world.attempt("192.0.2.2", grey())
    assert world.codes(CODE) == []


def test_a_neighbour_is_charged_where_the_time_began_again():
    world = World()
    world.attempt("192.0.2.1", grey(300))
    world.wait(60)
    world.attempt("192.0.2.2", grey(300))
    assert world.codes(CODE) == [CODE]


def test_a_timer_that_went_on_is_no_reset():
    world = World()
    world.attempt("192.0.2.1", grey(300), **SPF)
    world.wait(60)
    world.attempt("198.51.100.1", grey(240), **SPF)
    assert world.codes(CODE) == []


def test_the_same_host_resets_nothing():
    world = World()
    world.attempt("192.0.2.1", grey(300))
    world.wait(60)
    world.attempt("192.0.2.1", grey(300))
    assert world.codes(CODE) == []
