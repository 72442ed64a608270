"""A recheck hears silence as the relay did: who gave up is found again."""

from __future__ import annotations

import pytest
from conversation import World

from monitor import events as ev
from monitor.capture.recheck import Recheck
from monitor.config import Settings
from monitor.findings.disciplines import default
from monitor.findings.memory import Bounded

HOUR = 3_600.0


@pytest.mark.parametrize("hours", [30, 31 * 24])
async def test_silence_is_found_again(hours: float) -> None:
    world = World()
    world.tick()
    world.attempt(reply="451 4.3.2 Please try again later")
    world.wait(hours * HOUR, ticking=hours < 100)
    world.attempt("192.0.2.99", sender="other@sender.example")
    recorded = [event for event in world.events if not isinstance(event, ev.Found)]
    settings = Settings(name="mx.here.example")
    recheck = Recheck(settings, default(settings, Bounded()))
    anew = await recheck.take(recorded)
    codes = [f.code for e in anew if isinstance(e, ev.Found) for f in e.findings]
    # Nobody knows what happened in a month without a word.
    assert ("retry.gave-up" in codes) == (hours < 100)
    assert codes.count("retry.gave-up") == world.codes().count("retry.gave-up")
