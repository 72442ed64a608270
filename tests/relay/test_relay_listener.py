"""The listener: which sockets, who may come, and a drain that keeps its deadline."""

from __future__ import annotations

import asyncio
import socket
import threading
from pathlib import Path
from typing import Any

import pytest
from fakes import Relay, relaying

from monitor.relay import listener
from monitor.relay.listener import Listener, ListenError, bind, exposed

ENVELOPE = (b"MAIL FROM:<a@client.test>", b"RCPT TO:<b@home.test>", b"DATA")
MESSAGE = b"Subject: s\r\n\r\nhello\r\n."


class Bound:
    """Where a socket is bound, as far as ``exposed`` looks."""

    def __init__(self, address: str) -> None:
        self.address = address

    def getsockname(self) -> tuple[str, int]:
        return self.address, 25


@pytest.mark.parametrize(
    ("addresses", "expected"),
    [
        (["127.0.0.1", "::1", "127.9.9.9"], False),
        (["127.0.0.1", "0.0.0.0"], True),
        (["::"], True),
        (["192.0.2.1"], True),
        (["fe80::1%eth0"], True),
        (["::ffff:192.0.2.1"], True),
    ],
)
def test_what_counts_is_where_the_sockets_are_bound(addresses: list[str], expected: bool) -> None:
    sockets: Any = [Bound(address) for address in addresses]
    assert exposed(sockets) is expected


def test_an_address_that_cannot_be_had_is_named_and_none_is_kept() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            other = free.getsockname()[1]
        with pytest.raises(ListenError, match=f"listen = 127.0.0.1:{port}: .*in use"):
            bind([f"127.0.0.1:{other}", f"127.0.0.1:{port}"])
        for sock in bind([f"127.0.0.1:{other}"]):
            sock.close()
    with pytest.raises(ListenError, match=r"listen = no-such-host\.invalid:25"):
        bind(["no-such-host.invalid:25"])


async def test_given_sockets_go_before_the_settings(tmp_path: Path) -> None:
    async with relaying(tmp_path) as relay:
        given = bind(["127.0.0.2:0"])
        other = Listener(relay.context, given)
        await other.start()
        assert [host for host, _ in other.addresses] == ["127.0.0.2"]
        assert other.alive
        given[0].shutdown(socket.SHUT_RD)
        assert not other.alive
        await other.stop()


async def test_it_is_not_alive_before_its_start_nor_after_its_end(tmp_path: Path) -> None:
    async with relaying(tmp_path) as relay:
        assert relay.listener.alive
        assert not Listener(relay.context).alive
        await relay.listener.stop()
        assert not relay.listener.alive


@pytest.mark.parametrize(
    ("where", "said", "replies"),
    [
        ("MAIL", ENVELOPE[:1], 1),
        ("DATA", (*ENVELOPE, MESSAGE), 4),
        ("dot", (*ENVELOPE, MESSAGE), 4),
    ],
)
async def test_an_upstream_that_hangs_in_one_session_holds_up_no_other(
    tmp_path: Path, where: str, said: tuple[bytes, ...], replies: int
) -> None:
    """All sessions share one loop, in this thread; none that waits hears of a success."""
    threads = threading.active_count()
    async with relaying(tmp_path) as relay:
        asked, released = asyncio.Event(), asyncio.Event()

        async def hang(_: bytes = b"") -> bytes:
            asked.set()
            await released.wait()
            return b"451 4.3.0 later\r\n"

        slow, other = await relay.greeted(), await relay.greeted()
        relay.upstream.answers[where.encode()] = relay.upstream.dot = hang
        slow.writer.write(b"".join(line + b"\r\n" for line in said))
        async with asyncio.timeout(5):
            await asked.wait()
        relay.upstream.answers.clear()
        relay.upstream.dot = b"250 2.0.0 queued\r\n"

        await other.say(*ENVELOPE)
        assert await other.say(MESSAGE) == b"250 2.0.0 queued\r\n"
        assert threading.active_count() == threads
        released.set()
        assert [await slow.reply() for _ in range(replies)][-1].startswith(b"451")


async def _refused(relay: Relay) -> bool:
    try:
        client = await relay.client()
    except ConnectionError:
        return True
    client.close()
    return False


async def test_a_drain_takes_nobody_new_and_lets_a_transaction_end(tmp_path: Path) -> None:
    async with relaying(tmp_path) as relay:
        idle, busy = await relay.greeted(), await relay.greeted()
        await busy.say(*ENVELOPE)
        draining = asyncio.create_task(relay.listener.drain(5))
        while not relay.context.draining:
            await asyncio.sleep(0)
        assert await _refused(relay)
        assert (await idle.say(b"MAIL FROM:<a@client.test>")).startswith(b"421 4.3.2")
        busy.writer.write(MESSAGE + b"\r\n")
        assert (await busy.reply()).startswith(b"250")
        assert (await busy.say(b"NOOP")).startswith(b"421 4.3.2")
        await draining
        assert len(relay.upstream.messages) == 1


async def test_a_drain_keeps_its_deadline(tmp_path: Path) -> None:
    """Neither silence nor a message that never ends holds a relay up."""
    async with relaying(tmp_path) as relay:
        idle, busy = await relay.greeted(), await relay.greeted()
        await busy.say(*ENVELOPE)
        busy.writer.write(b"half a mess")
        async with asyncio.timeout(3):
            await relay.listener.drain(0.1)
        for client in (idle, busy):
            assert (await client.rest()).startswith(b"421 4.3.2")
        assert not relay.context.sessions
        assert relay.upstream.messages == []


async def test_a_drain_waits_for_the_reply_to_a_dot(tmp_path: Path) -> None:
    """What is on its way upstream is not cut off: its client hears what became of it."""
    async with relaying(tmp_path) as relay:
        answered = asyncio.Event()

        async def slow() -> bytes:
            await answered.wait()
            return b"250 2.0.0 queued\r\n"

        relay.upstream.dot = slow
        client = await relay.greeted()
        await client.say(*ENVELOPE)
        client.writer.write(MESSAGE + b"\r\n")
        while not relay.upstream.messages:
            await asyncio.sleep(0)
        draining = asyncio.create_task(relay.listener.drain(0))
        while not relay.context.draining:
            await asyncio.sleep(0)
        await asyncio.sleep(0.05)
        assert not draining.done()
        answered.set()
        assert (await client.reply()).startswith(b"250 2.0.0 queued")
        await draining


async def test_a_commit_that_takes_too_long_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "COMMIT_GRACE", 0.1)
    async with relaying(tmp_path) as relay:
        relay.upstream.dot = asyncio.Event().wait
        client = await relay.greeted()
        await client.say(*ENVELOPE)
        client.writer.write(MESSAGE + b"\r\n")
        while not relay.upstream.messages:
            await asyncio.sleep(0)
        async with asyncio.timeout(3):
            await relay.listener.drain(0)
        assert relay.context.journal.unsettled(), "the next start tells of it"
