"""The hub as a worker sees it: a socket pair, with a hub of the test's at the other end."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime

import msgspec
import pytest
import pytest_asyncio

from monitor import events as ev
from monitor.policy.entry import Entry
from monitor.policy.listed import ruling
from monitor.policy.ruling import PASS, Ruling, Stage
from monitor.workers import proxy as module
from monitor.workers.messages import Ask, Told, decode_down, decode_up
from monitor.workers.proxy import Proxy
from monitor.workers.wire import Wire

REJECT = Ruling(action="reject", code=550, text="5.7.1 no")
BAN = Entry(id=7, list="ban", kind="ip", value="192.0.2.7", created=datetime.now(UTC))


class Pair:
    """A worker's end with its proxy, and the bare socket of the hub's end."""

    async def open(self, delay: float = 0.0) -> None:
        ours, self.hub = socket.socketpair()
        self.hub.setblocking(False)
        self.lost = asyncio.Event()
        self.proxy: Proxy
        self.wire = Wire(decode_down, self.hear, self.lost.set, delay)
        self.proxy = Proxy(self.wire, asked=("rcpt",))
        await self.wire.open(ours)
        self._heard, self._messages = b"", list[object]()

    def hear(self, answers: Iterable[Told]) -> None:
        for told in answers:
            self.proxy.answered(told)

    async def heard(self) -> object:
        """The next message that came up."""
        if self._messages:
            return self._messages.pop(0)
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(5):
            while len(self._heard) < (end := 4 + int.from_bytes(self._heard[:4])):
                self._heard += await loop.sock_recv(self.hub, 65_536)
        frame, self._heard = self._heard[4:end], self._heard[end:]
        self._messages = list(decode_up(frame))
        return self._messages.pop(0)

    def frames(self) -> list[list[object]]:
        """What came up by now, a list a frame."""
        heard, frames = b"", []
        with contextlib.suppress(BlockingIOError):
            heard = self.hub.recv(65_536)
        while heard:
            end = 4 + int.from_bytes(heard[:4])
            frames.append(list[object](decode_up(heard[4:end])))
            heard = heard[end:]
        return frames

    def answer(self, number: int, ruling: Ruling = REJECT) -> None:
        frame = msgspec.msgpack.encode([Told(id=number, ruling=ruling)])
        for octet in len(frame).to_bytes(4) + frame:
            self.hub.send(bytes([octet]))


@pytest_asyncio.fixture
async def pair() -> AsyncIterator[Pair]:
    pair = Pair()
    await pair.open()
    yield pair
    pair.hub.close()
    await pair.wire.close(0.1)


def stage(phase: ev.Phase = "rcpt", ip: str = "192.0.2.1") -> Stage:
    return Stage(session="s", at=1.0, phase=phase, ip=ip)


async def asked(pair: Pair) -> Ruling:
    """The ruling that the hub is waited for."""
    told = pair.proxy.rule(stage())
    assert not isinstance(told, Ruling)
    return await told


def opened(session: str = "s") -> ev.Opened:
    return ev.Opened(
        session=session, at=1.0, relay="r", ip="192.0.2.1", port=1, local_ip="::1", local_port=25
    )


def command(session: str = "s", text: str = "NOOP") -> ev.Command:
    return ev.Command(session=session, at=1.0, text=text)


def content(session: str = "s") -> ev.Content:
    return ev.Content(session=session, at=1.0, transaction=f"{session}-1", size=1, sha256="00")


def ended(session: str = "s") -> ev.Ended:
    verdict = ev.Verdict(code=250, reply="2.0.0 Ok", phase="eod", by="upstream")
    return ev.Ended(session=session, at=1.0, transaction=f"{session}-1", verdict=verdict)


def closed(session: str = "s") -> ev.Closed:
    return ev.Closed(session=session, at=1.0, how="quit")


async def test_events_and_questions_go_up_in_their_order(pair: Pair) -> None:
    pair.proxy.emit(opened())
    pair.proxy.emit(command())
    ruling = asyncio.create_task(asked(pair))
    assert [await pair.heard(), await pair.heard()] == [opened(), command()]
    ask = await pair.heard()
    assert isinstance(ask, Ask)
    assert ask.stage == stage()
    pair.answer(ask.id)
    assert await ruling == REJECT


async def test_messages_go_up_with_their_turn_of_the_loop_ends_at_once_and_the_rest_later() -> None:
    pair = Pair()
    await pair.open(delay=3_600)
    together = [opened("a"), opened("b"), content("a"), command("a"), content("b")]
    for event in together:
        pair.proxy.emit(event)
    assert pair.frames() == []
    await asyncio.sleep(0)
    assert pair.frames() == [together]
    pair.proxy.emit(ended("a"))
    assert pair.frames() == [[ended("a")]]
    pair.proxy.emit(command("a", "QUIT"))
    pair.proxy.emit(closed("a"))
    await asyncio.sleep(0)
    assert pair.frames() == []
    await pair.wire.close()
    assert pair.frames() == [[command("a", "QUIT"), closed("a")]]
    pair.hub.close()


async def test_the_lists_and_the_other_phases_need_no_hub(pair: Pair) -> None:
    pair.hub.close()
    assert (pair.proxy.asks("rcpt"), pair.proxy.asks("mail")) == (True, False)
    pair.proxy.standing.replace([BAN])
    assert pair.proxy.asks("mail")
    assert pair.proxy.rule(stage(ip="192.0.2.7")) == ruling(BAN, stage())
    assert pair.proxy.rule(stage("mail")) is PASS  # nothing to wait for
    assert pair.proxy.standing.take_hits() == [(7, 1)]


async def test_a_hub_that_does_not_answer_lets_the_mail_pass_and_is_believed_again(
    pair: Pair, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.02)
    monkeypatch.setattr(module, "AWAY", 0.001)
    asks = []
    for _ in range(2):
        told = await asked(pair)
        assert (told.action, [f.code for f in told.findings]) == ("pass", ["relay.check-failed"])
        asks.append(await pair.heard())
    assert caplog.text.count("does not answer") == 1
    monkeypatch.setattr(module, "PATIENCE", 5)
    pair.answer(asks[0].id)  # too late for its question, and a sign of life
    pair.answer(4_711)
    await asyncio.sleep(0.02)
    ruling = asyncio.create_task(asked(pair))
    pair.answer((await pair.heard()).id)
    assert await ruling == REJECT


NONSENSE = {
    "no message": b"\0\0\0\2{}",
    "of another kind": b"\0\0\0\x0f" + msgspec.msgpack.encode([{"event": "opened"}]),
    "of wrong types": b"\0\0\0\x12" + msgspec.msgpack.encode([{"event": "told", "id": "x"}]),
    "too long": b"\xff\xff\xff\xff",
}


@pytest.mark.parametrize("said", NONSENSE.values(), ids=NONSENSE)
async def test_a_hub_that_talks_nonsense_is_left(pair: Pair, said: bytes) -> None:
    pair.hub.send(said)
    await asyncio.wait_for(pair.lost.wait(), 5)
    pair.proxy.emit(opened())
    assert pair.proxy.dropped == 1


async def test_a_hub_that_does_not_keep_up_costs_whole_sessions_and_no_ends(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BOUND", 2_000_000)
    pair.proxy.emit(opened("early"))
    while pair.proxy.dropped == 0:
        pair.proxy.emit(command("early", "x" * 10_000))
        await asyncio.sleep(0)
    assert pair.wire.waiting < 3_000_000
    before = pair.proxy.dropped
    for event in (opened("late"), command("late"), closed("late")):
        pair.proxy.emit(event)
    assert pair.proxy.dropped == before + 3
    pair.proxy.emit(closed("early"))
    while not isinstance(last := await pair.heard(), ev.Closed):
        assert last.session == "early"
    assert last == closed("early")
    pair.proxy.emit(opened("next"))  # it kept up again
    assert await pair.heard() == opened("next")


async def test_content_waits_within_a_bound_of_its_own(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BODIES", 1_000_000)
    pair.proxy.emit(opened())
    for offset in range(100):
        piece = b"x" * 65_536
        pair.proxy.emit(ev.Body(session="s", at=1.0, transaction="s-1", offset=offset, data=piece))
    assert 80 < pair.proxy.dropped < 100
    pair.proxy.emit(command())
    while isinstance(last := await pair.heard(), ev.Opened | ev.Body):
        pass
    assert last == command()
