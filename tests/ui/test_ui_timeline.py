"""Attempts on a line."""

from __future__ import annotations

import pytest
from ui_fakes import record, wait

from monitor.ui.draw.timeline import timeline
from monitor.ui.marks import ASCII


def test_attempts_the_present_and_the_next_one() -> None:
    waiting = wait(record(4), record(12), record(20))
    drawn = timeline(waiting, waiting.last.at + 60, 20, ASCII)
    assert len(drawn) == 20
    assert drawn[0] == "x"
    assert drawn.count("x") == 3
    assert drawn[-1] == "?"
    assert "-" in drawn.rstrip("?")


def test_silence_expects_nothing() -> None:
    waiting = wait(record(4), gave_up=1.0)
    drawn = timeline(waiting, waiting.last.at + 60, 10, ASCII)
    assert drawn == "x---------"


@pytest.mark.parametrize("width", [0, 1, 2, 3])
def test_no_room_is_no_trouble(width: int) -> None:
    drawn = timeline(wait(record(4)), 0.0, width, ASCII)
    assert len(drawn) in (0, width)
