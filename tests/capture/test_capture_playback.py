"""The transport follows the session's clock, and jumps land where they were aimed."""

from __future__ import annotations

import math

import pytest
from capture_sessions import START, day, session

from monitor.assembler import Output
from monitor.capture.playback import Playback
from monitor.capture.reel import Reel, of_events
from monitor.record import Record


class Clock:
    """Time that passes when told to."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def ids(outputs: list[Output]) -> list[str]:
    return [output.id for output in outputs if isinstance(output, Record)]


def run(playback: Playback, clock: Clock, seconds: float, tick: float = 0.05) -> list[str]:
    """What is shown in ``seconds`` of the viewer's time."""
    shown: list[str] = []
    for _ in range(round(seconds / tick)):
        clock.now += tick
        shown += ids(playback.take())
    return shown


@pytest.fixture
def reel() -> Reel:
    return of_events("day", day(20), size=7)  # one a second


def test_it_waits_to_be_played(reel: Reel, clock: Clock) -> None:
    playback = Playback(reel, clock=clock)
    assert run(playback, clock, 5) == []
    assert (playback.wait(), playback.position, playback.percent) == (None, START, 0.0)


def test_records_come_at_the_session_s_pace(reel: Reel, clock: Clock) -> None:
    playback = Playback(reel, clock=clock)
    playback.play()
    assert run(playback, clock, 0.85) == []
    assert run(playback, clock, 0.1) == ["T0"]
    assert run(playback, clock, 2.0) == ["T1", "T2"]
    assert playback.position == pytest.approx(START + 2.95)


@pytest.mark.parametrize(("speed", "shown"), [(0.25, 0), (0.5, 1), (2, 4), (10, 20)])
def test_speed_stretches_time(reel: Reel, clock: Clock, speed: float, shown: int) -> None:
    playback = Playback(reel, clock=clock, speed=speed)
    playback.play()
    assert len(run(playback, clock, 2)) == shown


def test_speed_may_change_while_it_plays(reel: Reel, clock: Clock) -> None:
    playback = Playback(reel, clock=clock)
    playback.play()
    run(playback, clock, 2)
    playback.set_speed(4)
    assert playback.playing
    assert playback.position == pytest.approx(START + 2)
    run(playback, clock, 1)
    assert playback.position == pytest.approx(START + 6)
    playback.set_speed(1e9)
    assert playback.speed == 1_000


def test_speeds_are_gone_through_one_by_one(reel: Reel, clock: Clock) -> None:
    playback = Playback(reel, clock=clock)
    for expected in (2, 5, 10, 30, 60, 100, 300, 1_000, math.inf, math.inf):
        playback.change_speed(1)
        assert playback.speed == expected
    playback.set_speed(1.5)
    for expected in (1, 0.5, 0.25, 0.25):
        playback.change_speed(-1)
        assert playback.speed == expected


def test_as_fast_as_possible(reel: Reel, clock: Clock) -> None:
    playback = Playback(reel, clock=clock, speed=math.inf)
    playback.play()
    shown: list[str] = []
    while playback.wait() == 0:
        shown += ids(playback.take(limit=10))
    assert shown == [f"T{n}" for n in range(20)]
    assert (playback.ended, playback.playing, playback.percent) == (True, False, 100.0)


def test_pause_holds_time(reel: Reel, clock: Clock) -> None:
    playback = Playback(reel, clock=clock)
    playback.play()
    run(playback, clock, 1.5)
    playback.toggle()
    assert run(playback, clock, 60) == []
    assert playback.position == pytest.approx(START + 1.5)
    playback.toggle()
    assert run(playback, clock, 0.5) == ["T1"]


def test_a_step_goes_to_the_next_record(reel: Reel, clock: Clock) -> None:
    playback = Playback(reel, clock=clock)
    playback.step()
    assert playback.wait() == 0
    assert ids(playback.take()) == ["T0"]
    assert playback.position == pytest.approx(START + 0.9)
    playback.step()
    playback.step()
    assert ids(playback.take() + playback.take()) == ["T1", "T2"]
    assert playback.wait() is None
    assert playback.take() == []


def test_a_seek_lands_on_its_time_and_knows_the_open_sessions(reel: Reel, clock: Clock) -> None:
    playback = Playback(reel, clock=clock)
    playback.play()
    generation = playback.generation
    playback.seek(START + 10.5)
    assert playback.generation > generation
    assert playback.position == START + 10.5
    assert run(playback, clock, 1.5) == ["T10", "T11"]
    playback.seek(START + 2)
    assert run(playback, clock, 1) == ["T2"]


def test_a_seek_past_either_end_stops_there(reel: Reel, clock: Clock) -> None:
    playback = Playback(reel, clock=clock)
    playback.seek(0)
    assert playback.position == START
    playback.seek(START + 1e9)
    assert playback.percent == 100


def test_seek_by_percent(clock: Clock) -> None:
    playback = Playback(of_events("long", day(2, apart=999.0)), clock=clock)
    playback.seek_percent(50)
    assert playback.position == START + 500
    assert playback.percent == pytest.approx(50)


def test_next_error_shows_the_record_that_has_it(clock: Clock) -> None:
    events = [*day(5), *session(98, at=START + 10, severity="error")]
    events += [*session(5, at=START + 20), *session(99, at=START + 30, severity="error")]
    playback = Playback(of_events("errors", events, size=7), clock=clock)
    playback.play()
    assert playback.next_error()
    assert ids(playback.take()) == ["T98"]
    assert not playback.playing
    assert playback.next_error()
    assert ids(playback.take()) == ["T99"]
    assert not playback.next_error()


def test_it_stops_at_the_end_and_plays_again(reel: Reel, clock: Clock) -> None:
    playback = Playback(reel, clock=clock, speed=100)
    playback.play()
    assert len(run(playback, clock, 5)) == 20
    assert (playback.ended, playback.playing) == (True, False)
    playback.play()
    assert len(run(playback, clock, 5)) == 20


def test_a_loop_begins_again(reel: Reel, clock: Clock) -> None:
    playback = Playback(reel, clock=clock, speed=10)
    playback.loop = True
    playback.play()
    assert run(playback, clock, 6)[18:23] == ["T18", "T19", "T0", "T1", "T2"]


def test_every_action_wakes_the_owner(reel: Reel) -> None:
    woken: list[int] = []
    playback = Playback(reel, changed=lambda: woken.append(1))
    playback.play()
    playback.pause()
    playback.step()
    playback.set_speed(2)
    playback.seek(START)
    playback.seek_percent(9)
    assert len(woken) == 6


def test_an_empty_reel_is_at_its_end(clock: Clock) -> None:
    playback = Playback(of_events("empty", []), clock=clock)
    playback.loop = True
    playback.play()
    assert playback.take() == []
    assert playback.wait() is None
    assert not playback.next_error()
