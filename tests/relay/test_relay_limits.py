"""Every limit that a client can reach: the setting, the reply, and the finding that names it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from fakes import Relay, relaying

from monitor import events as ev

MAIL = b"MAIL FROM:<a@client.test>"
RCPT = b"RCPT TO:<b@home.test>"
Reach = Callable[[Relay], Awaitable[bytes]]


async def _second_session(relay: Relay, source: str = "127.0.0.1") -> bytes:
    first = await relay.greeted()
    answer = await (await relay.client(source)).rest()
    first.close()
    return answer


async def _neighbour(relay: Relay) -> bytes:
    return await _second_session(relay, "127.0.0.2")


async def _lines(relay: Relay, *lines: bytes) -> bytes:
    return await (await relay.greeted()).say(*lines)


async def _noops(relay: Relay) -> bytes:
    await (client := await relay.greeted()).say(b"NOOP", b"NOOP")
    return await client.rest()


async def _errors(relay: Relay) -> bytes:
    await (client := await relay.greeted()).say(b"NONSENSE", b"NONSENSE")
    return await client.rest()


async def _recipients(relay: Relay) -> bytes:
    return await _lines(relay, MAIL, RCPT, RCPT, RCPT)


async def _messages(relay: Relay) -> bytes:
    client = await relay.greeted()
    await client.say(MAIL, RCPT, b"DATA")
    client.writer.write(b"x\r\n.\r\n")
    await client.reply()
    return await client.say(MAIL)


async def _long_line(relay: Relay) -> bytes:
    return await _lines(relay, b"NOOP " + b"x" * 600)


async def _silence(relay: Relay) -> bytes:
    return await (await relay.greeted()).rest()


async def _data(relay: Relay, *pieces: bytes) -> bytes:
    client = await relay.greeted()
    await client.say(MAIL, RCPT, b"DATA")
    for piece in pieces:
        client.writer.write(piece)
    return await client.reply()


async def _half(relay: Relay) -> bytes:
    return await _data(relay, b"half a mess")


async def _drip(relay: Relay) -> bytes:
    """Each byte in time, and the whole never."""
    client = await relay.greeted()
    await client.say(MAIL, RCPT, b"DATA")
    answer = asyncio.create_task(client.reply())
    while not answer.done():
        client.writer.write(b"x")
        await asyncio.sleep(0.01)
    return answer.result()


async def _long_text_line(relay: Relay) -> bytes:
    return await _data(relay, b"short\r\n" + b"x" * 500, b"x" * 1_000 + b"\r\n.\r\n")


async def _too_much_for_the_spool(relay: Relay) -> bytes:
    return await _data(relay, b"x" * 50 + b"\r\n.\r\n")


@pytest.mark.parametrize(
    ("name", "value", "reach", "reply"),
    [
        ("sessions", 1, _second_session, b"421 4.7.0"),
        ("sessions_per_ip", 1, _second_session, b"421 4.7.0"),
        ("sessions_per_network", 1, _neighbour, b"421 4.7.0"),
        ("commands", 3, _noops, b"421 4.7.0"),
        ("errors", 2, _errors, b"421 4.7.0"),
        ("recipients", 2, _recipients, b"452 4.5.3"),
        ("messages", 1, _messages, b"421 4.7.0"),
        ("command_line", 512, _long_line, b"500 5.5.2"),
        ("command_timeout", 0.1, _silence, b"421 4.4.2"),
        ("data_timeout", 0.1, _half, b"421 4.4.2"),
        ("data_total", 0.1, _drip, b"421 4.4.2"),
        ("session_timeout", 0.2, _silence, b"421 4.4.2"),
        ("text_line", 998, _long_text_line, b"554 5.6.0"),
        ("text_line", 1_499, _long_text_line, b"554 5.6.0"),
        ("spool_total", 10, _too_much_for_the_spool, b"452 4.3.1"),
    ],
)
async def test_a_limit_bites_and_says_its_name(
    tmp_path: Path, name: str, value: Any, reach: Reach, reply: bytes
) -> None:
    async with relaying(tmp_path, limits={name: value}) as relay:
        answer = await reach(relay)
        assert answer.startswith(reply)
        assert b"mxtap: " in answer
        found = [f for e in relay.hub.of(ev.Found) for f in e.findings if f.code == "relay.limit"]
        assert [f.evidence for f in found] == [{"limit": f"limits.{name}"}]
        assert relay.upstream.messages == [] or name == "messages"


@pytest.mark.parametrize("limit", [0, 1_500])
async def test_a_line_within_the_limit_passes(tmp_path: Path, limit: int) -> None:
    async with relaying(tmp_path, limits={"text_line": limit}) as relay:
        assert (await _long_text_line(relay)).startswith(b"250")
        assert relay.hub.codes() == []


@pytest.mark.parametrize("declared", [True, False])
async def test_a_message_that_is_too_large_is_told(tmp_path: Path, declared: bool) -> None:
    async with relaying(tmp_path, limits={"message_size": 100}) as relay:
        if declared:
            answer = await _lines(relay, MAIL + b" SIZE=101")
        else:
            answer = await _data(relay, b"x" * 150 + b"\r\n.\r\n")
        assert answer.startswith(b"552 5.3.4")
        assert relay.hub.codes() == ["relay.too-large"]
        assert relay.upstream.messages == []


async def test_limits_of_one_client_are_no_others(tmp_path: Path) -> None:
    async with relaying(tmp_path, limits={"sessions_per_ip": 1}) as relay:
        first = await relay.greeted()
        other = await relay.client("127.0.0.2")
        assert (await other.reply()).startswith(b"220")
        first.close()
        other.close()
        await relay.settled()
        assert relay.context.tally.counts == {}
        assert (await (await relay.client()).reply()).startswith(b"220")


async def test_the_upstreams_time_is_told_with_its_replies(tmp_path: Path) -> None:
    async with relaying(tmp_path) as relay:
        client = await relay.greeted()
        await client.say(MAIL, RCPT, b"DATA")
        client.writer.write(b"x\r\n.\r\n")
        await client.reply()
        replies = relay.hub.of(ev.Reply)
        assert [e.phase for e in replies] == ["connect", "ehlo", "mail", "rcpt", "data", "eod"]
        for reply in replies:
            assert (reply.took > 0) is (reply.by == "upstream"), reply
