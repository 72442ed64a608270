"""The demo's sink and cast without a relay between them, and a clock that nobody waits for."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from monitor.demo import home
from monitor.demo.keys import Keys, make_keys
from monitor.demo.pace import Pace
from monitor.demo.sender import World
from monitor.demo.sink import Sink
from monitor.demo.troupe import can_bind


class Virtual(Pace):
    """Minutes pass at once."""

    now = 0.0

    async def wait(self, minutes: float, jitter: float = 0.2) -> None:
        self.now += minutes * 60


class Ledger(home.Rules):
    """The household's rules; keeps each RCPT and its answer."""

    def __init__(self) -> None:
        super().__init__(home.Greylist(delay=300))
        self.asked: list[tuple[home.Peer, str, str, int]] = []

    def rcpt(self, peer: home.Peer, sender: str, recipient: str, now: float) -> str:
        reply = super().rcpt(peer, sender, recipient, now)
        self.asked.append((peer, sender, recipient, int(reply[:3])))
        return reply


@pytest.fixture(scope="session")
def keys() -> Keys:
    return make_keys()


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
def pace() -> Virtual:
    return Virtual()


@pytest.fixture
async def sink(ledger: Ledger, pace: Virtual) -> AsyncIterator[Sink]:
    sink = Sink(ledger, clock=lambda: pace.now)
    yield sink
    await sink.stop()


@pytest.fixture
async def world(sink: Sink, keys: Keys, pace: Virtual) -> World:
    return World(await sink.start(), keys, pace, can_bind())
