"""A connection's deadlines: each is kept, though one timer serves them all."""

from __future__ import annotations

import asyncio

import pytest

from monitor.relay.channel import Channel


class Still(asyncio.Transport):
    """A transport that takes and gives nothing."""

    def is_closing(self) -> bool:
        return False

    def close(self) -> None: ...

    def get_write_buffer_size(self) -> int:
        return 0


@pytest.fixture
async def channel() -> Channel:
    made = Channel(asyncio.get_running_loop())
    made.connection_made(Still())
    return made


def timers() -> int:
    loop = asyncio.get_running_loop()
    return sum(not handle.cancelled() for handle in loop._scheduled)  # type: ignore[attr-defined]


async def test_what_comes_in_time_sets_no_other_timer(channel: Channel) -> None:
    before, due = timers(), channel.loop.time()
    for _ in range(10):
        due += 60
        news = channel.arrival(due)
        channel.data_received(b"x")
        assert await news
    assert timers() == before + 1
    channel.connection_lost(None)
    assert timers() == before


@pytest.mark.parametrize("earlier", [60.0, 0.01])
async def test_each_deadline_is_kept(channel: Channel, earlier: float) -> None:
    """Whether the timer was set for a later one before, or for one that has passed."""
    start = channel.loop.time()
    news = channel.arrival(start + earlier)
    channel.data_received(b"x")
    assert await news
    async with asyncio.timeout(5):
        assert not await channel.arrival(start + 0.03)
    assert channel.loop.time() >= start + 0.03


async def test_who_waits_again_after_the_timer_went_off_is_woken(channel: Channel) -> None:
    loop = channel.loop
    async with asyncio.timeout(5):
        for _ in range(3):
            assert not await channel.arrival(loop.time() + 0.001)


async def test_a_reader_that_takes_nothing_is_waited_for_until_the_deadline(
    channel: Channel,
) -> None:
    channel.pause_writing()
    channel.data_received(b"input is no room to write")
    with pytest.raises(TimeoutError):
        await channel.drained(0.01)
    waiting = asyncio.create_task(channel.drained(60))
    await asyncio.sleep(0)
    channel.resume_writing()
    await waiting
    channel.pause_writing()
    waiting = asyncio.create_task(channel.drained(60))
    await asyncio.sleep(0)
    channel.connection_lost(None)
    with pytest.raises(ConnectionError):
        await waiting
