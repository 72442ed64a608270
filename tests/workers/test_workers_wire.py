"""One end of the wire between hub and worker that rests, and what the other end says meanwhile."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterable

import msgspec
import pytest_asyncio

from monitor.workers.wire import PLENTY, Wire


class Resting:
    """A wire that rests, and the bare socket of the other end."""

    def __init__(self) -> None:
        ours, self.other = socket.socketpair()
        self._sock = ours
        self.heard: asyncio.Queue[object] = asyncio.Queue()

    async def open(self, rest: float) -> None:
        decode = msgspec.msgpack.Decoder(list[object]).decode
        self.wire: Wire[object] = Wire(decode, self.hear, lambda: None, rest=rest)
        await self.wire.open(self._sock)

    def hear(self, messages: Iterable[object]) -> None:
        for message in messages:
            self.heard.put_nowait(message)

    def say(self, *messages: object) -> None:
        frame = msgspec.msgpack.encode(messages)
        self.other.sendall(len(frame).to_bytes(4) + frame)

    async def next(self) -> object:
        async with asyncio.timeout(5):
            return await self.heard.get()


@pytest_asyncio.fixture
async def end() -> AsyncIterator[Resting]:
    end = Resting()
    yield end
    end.other.close()
    await end.wire.close(0.1)


async def turns() -> None:
    """Some turns of the loop, in which all is heard that can be."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_after_a_little_it_rests(end: Resting) -> None:
    await end.open(rest=3_600)
    end.say("one", "two")
    assert [await end.next(), await end.next()] == ["one", "two"]
    end.say("three")
    await turns()
    assert end.heard.empty()


async def test_after_its_rest_it_hears_what_came_meanwhile(end: Resting) -> None:
    await end.open(rest=0.001)
    for word in ("one", "two", "three"):
        end.say(word)
        assert await end.next() == word


async def test_after_plenty_it_hears_on(end: Resting) -> None:
    await end.open(rest=3_600)
    end.say("x" * PLENTY)
    assert len(str(await end.next())) == PLENTY
    end.say("more")
    assert await end.next() == "more"
