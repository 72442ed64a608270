"""The promise: 2xx only after the upstream's 2xx, and nothing lost, altered or doubled."""

from __future__ import annotations

import asyncio
import socket
import struct
from pathlib import Path

import pytest
from fakes import Client, Relay, relaying

from monitor import events as ev
from monitor.policy.ruling import Ruling, Stage

CONTENT = b"Subject: x\r\n\r\nbody\r\n."


async def upto_data(relay: Relay) -> Client:
    client = await relay.greeted()
    await client.say(b"MAIL FROM:<a@client.test>", b"RCPT TO:<b@home.test>")
    assert (await client.say(b"DATA")).startswith(b"354")
    return client


def state(relay: Relay) -> str:
    return str(relay.hub.of(ev.Ended)[-1].state)


async def test_upstream_dies_after_the_dot(tmp_path: Path) -> None:
    async with relaying(tmp_path) as relay:
        relay.upstream.dot = b""
        client = await upto_data(relay)
        assert (await client.say(CONTENT)).startswith(b"451 ")
        assert state(relay) == "unknown"
        assert "relay.commit-unknown" in relay.hub.codes()


@pytest.mark.parametrize("dot", [b"550 5.7.1 no\r\n", b"452 4.3.1 full\r\n"])
async def test_upstreams_refusal_after_the_dot_is_passed_on(tmp_path: Path, dot: bytes) -> None:
    async with relaying(tmp_path) as relay:
        relay.upstream.dot = dot
        client = await upto_data(relay)
        assert await client.say(CONTENT) == dot
        assert state(relay) == "refused"


@pytest.mark.parametrize(
    "dot", [b"250 ok\r\n250 again\r\n", b"hello\r\n", b"354 more\r\n", b"250-a\r\n" * 10_000]
)
async def test_garbage_after_the_dot_is_never_success(tmp_path: Path, dot: bytes) -> None:
    async with relaying(tmp_path) as relay:
        relay.upstream.dot = dot
        client = await upto_data(relay)
        assert (await client.say(CONTENT)).startswith(b"451 ")
        assert state(relay) == "unknown"


async def test_client_resets_while_the_dots_reply_is_pending(tmp_path: Path) -> None:
    async with relaying(tmp_path) as relay:
        got_it, go_on = asyncio.Event(), asyncio.Event()

        async def slowly() -> bytes:
            got_it.set()
            await go_on.wait()
            return b"250 2.0.0 queued\r\n"

        relay.upstream.dot = slowly
        client = await upto_data(relay)
        client.writer.write(CONTENT + b"\r\n")
        await got_it.wait()
        sock = client.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.writer.transport.abort()
        async with asyncio.timeout(5):
            while not relay.lost():
                await asyncio.sleep(0)
        go_on.set()
        await relay.settled()
        assert state(relay) == "accepted-unacknowledged"
        assert len(relay.upstream.messages) == 1


async def test_a_commit_outlives_one_cancellation_after_the_other(tmp_path: Path) -> None:
    """The session took too long, and then comes a drain: its client still hears of the dot."""
    async with relaying(tmp_path) as relay:
        gate = asyncio.Event()

        async def late() -> bytes:
            await gate.wait()
            return b"250 2.0.0 queued\r\n"

        relay.upstream.dot = late
        client = await upto_data(relay)
        client.writer.write(CONTENT + b"\r\n")
        async with asyncio.timeout(5):
            while not relay.upstream.messages:
                await asyncio.sleep(0)
        [session] = relay.context.sessions
        for _ in range(3):
            session.cancel()
            for _ in range(5):
                await asyncio.sleep(0)
        gate.set()
        assert (await client.rest()).startswith(b"250 2.0.0 queued\r\n")
        assert state(relay) == "accepted"


async def test_one_that_is_cancelled_on_its_way_back_leaves_nothing_open(tmp_path: Path) -> None:
    async with relaying(tmp_path, identity="none") as relay:
        client = await relay.greeted()
        relay.upstream.writers[-1].close()
        relay.upstream.answers[b"EHLO"] = lambda line: asyncio.sleep(60)
        while not (await client.say(b"NOOP")).startswith(b"451"):
            pass
        client.writer.write(b"NOOP\r\n")
        async with asyncio.timeout(5):
            while relay.upstream.lines.count(b"EHLO client.test") < 2:
                await asyncio.sleep(0)
        [session] = relay.context.sessions
        session.cancel()
        await relay.settled()
        broken = relay.upstream.writers[-1]
        async with asyncio.timeout(5):
            while not broken.is_closing():  # nobody reads it, if nobody closed it
                broken.write(b"220 are you there\r\n")
                await asyncio.sleep(0)


async def test_body_dot_and_quit_in_one_write_then_a_half_close(tmp_path: Path) -> None:
    async with relaying(tmp_path) as relay:
        client = await upto_data(relay)
        client.writer.write(CONTENT + b"\r\nQUIT\r\n")
        client.writer.write_eof()
        assert await client.rest() == b"250 2.0.0 queued\r\n221 2.0.0 bye\r\n"
        await relay.settled()
        assert len(relay.upstream.messages) == 1


async def test_a_reply_waits_for_nothing_that_comes_behind(tmp_path: Path) -> None:
    """More than is read ahead: reading pauses, writing does not."""
    async with relaying(tmp_path) as relay:
        client = await upto_data(relay)
        client.writer.write(CONTENT + b"\r\n" + (b"NOOP " + b"x" * 500 + b"\r\n") * 900)
        assert await client.reply() == b"250 2.0.0 queued\r\n"
        for _ in range(900):
            assert (await client.reply()).startswith(b"250")


async def test_client_gone_before_the_dot_leaves_nothing_upstream(tmp_path: Path) -> None:
    async with relaying(tmp_path) as relay:
        client = await upto_data(relay)
        client.writer.write(b"Subject: half\r\n")
        client.close()
        await relay.settled()
        assert b"DATA" not in relay.upstream.lines
        assert state(relay) == "none"


async def test_upstream_down_is_421_at_the_banner(tmp_path: Path) -> None:
    async with relaying(tmp_path, upstream="127.0.0.1:1") as relay:
        client = await relay.client()
        assert (await client.reply()).startswith(b"421 4.3.2 mxtap: ")
        assert "relay.upstream-down" in relay.hub.codes()


async def test_upstream_lost_in_mid_session_is_451_then_anew(tmp_path: Path) -> None:
    async with relaying(tmp_path) as relay:
        client = await relay.greeted()
        before = relay.upstream.connections
        relay.upstream.answers[b"RCPT"] = b""
        await client.say(b"MAIL FROM:<a@client.test>")
        assert (await client.say(b"RCPT TO:<b@home.test>")).startswith(b"451 ")
        assert (await client.say(b"DATA")).startswith(b"451 ")
        del relay.upstream.answers[b"RCPT"]
        assert (await client.say(b"RSET")).startswith(b"250")
        await client.say(b"MAIL FROM:<a@client.test>", b"RCPT TO:<b@home.test>", b"DATA")
        assert await client.say(CONTENT) == b"250 2.0.0 queued\r\n"
        assert relay.upstream.connections == before + 1


async def test_a_ban_at_the_end_of_data_keeps_it_from_the_upstream(tmp_path: Path) -> None:
    def ban(stage: Stage) -> Ruling:
        if stage.phase == "eod":
            return Ruling(action="reject", code=550, text="5.7.1 banned")
        return Ruling()

    async with relaying(tmp_path) as relay:
        relay.hub.ruler = ban
        client = await upto_data(relay)
        assert await client.say(CONTENT) == b"550 5.7.1 mxtap: banned\r\n"
        assert relay.upstream.messages == []
        relay.hub.ruler = lambda stage: Ruling()
        await client.say(b"MAIL FROM:<a@client.test>", b"RCPT TO:<b@home.test>", b"DATA")
        assert await client.say(CONTENT) == b"250 2.0.0 queued\r\n"


async def test_no_room_in_the_spool_is_452(tmp_path: Path) -> None:
    async with relaying(tmp_path, limits={"spool_total": 10}) as relay:
        client = await upto_data(relay)
        assert (await client.say(CONTENT)).startswith(b"452 4.3.1")
        assert relay.context.spool.used == 0


async def test_too_large_is_552_and_far_too_large_is_cut_off(tmp_path: Path) -> None:
    async with relaying(tmp_path, limits={"message_size": 100}) as relay:
        client = await upto_data(relay)
        assert (await client.say(b"x" * 150 + b"\r\n.")).startswith(b"552 5.3.4")
        await client.say(b"MAIL FROM:<a@client.test>", b"RCPT TO:<b@home.test>", b"DATA")
        client.writer.write(b"x" * 5_000)
        assert (await client.rest()).startswith(b"552 ")
        assert relay.upstream.messages == []
