"""Upstream sessions serve one client after the other, and none hears of the one before."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fakes import Client, Relay, relaying

from monitor import events as ev
from monitor.relay import identity, kept

EHLO, MAIL = b"EHLO client.test", b"MAIL FROM:<a@client.test>"
RCPT, DATA = b"RCPT TO:<b@home.test>", b"DATA"
CONTENT = b"Subject: x\r\n\r\nbody\r\n."


@pytest.fixture
async def relay(tmp_path: Path) -> AsyncIterator[Relay]:
    async with relaying(tmp_path) as one:
        await warm(one)
        yield one


async def warm(relay: Relay) -> None:
    """A first client, from whose session the relay knows how its upstream says goodbye."""
    relay.upstream.keywords.append(b"XCLIENT NAME REVERSE_NAME ADDR PORT")
    await leave(relay, "127.0.0.2")
    relay.upstream.lines.clear()
    relay.hub.events.clear()
    relay.upstream.connections = 0


async def send(relay: Relay, source: str, *after: bytes) -> Client:
    """A client that sends a message, then says ``after``."""
    client = await relay.client(source)
    assert (await client.reply()).startswith(b"220 ")
    assert (await client.say(EHLO, MAIL, RCPT, DATA, CONTENT)).startswith(b"250 ")
    if after:
        await client.say(*after)
    return client


async def leave(relay: Relay, source: str, *before: bytes) -> None:
    """A client that sends a message, and goes."""
    client = await send(relay, source, *before)
    assert await client.say(b"QUIT") == b"221 2.0.0 bye\r\n"
    assert await client.rest() == b""
    await relay.settled()


def heard(relay: Relay, verb: bytes) -> list[bytes]:
    return [line for line in relay.upstream.lines if line.startswith(verb)]


async def test_the_next_client_is_told_in_the_session_of_the_last(relay: Relay) -> None:
    await leave(relay, "127.0.0.7")
    relay.upstream.answers[b"XCLIENT"] = b"220 upstream.test for the next\r\n"
    client = await relay.client("127.0.0.8")
    assert await client.reply() == b"220 upstream.test for the next\r\n"
    assert relay.upstream.connections == 1
    first, second = heard(relay, b"XCLIENT")
    assert b"ADDR=127.0.0.7" in first
    assert b"ADDR=127.0.0.8" in second
    assert heard(relay, b"QUIT") == []
    assert (await client.say(EHLO, MAIL, RCPT, DATA, CONTENT)).startswith(b"250 ")
    assert [event.method for event in relay.hub.of(ev.Identified)] == ["xclient"] * 2


@pytest.mark.parametrize("last", [b"RSET", b"NOOP", MAIL])
async def test_only_one_that_ended_with_a_message_is_kept(relay: Relay, last: bytes) -> None:
    await leave(relay, "127.0.0.7", last)
    await (await relay.client("127.0.0.8")).reply()
    assert relay.upstream.connections == 2
    assert len(heard(relay, b"QUIT")) == 1


async def test_one_whose_message_was_refused_is_not_kept(relay: Relay) -> None:
    relay.upstream.dot = b"550 5.7.1 no\r\n"
    client = await relay.client()
    await client.reply()
    assert (await client.say(EHLO, MAIL, RCPT, DATA, CONTENT)).startswith(b"550 ")
    assert (await client.say(b"QUIT")).startswith(b"221 2.0.0 bye")
    await (await relay.client()).reply()
    assert relay.upstream.connections == 2


async def test_one_that_its_client_broke_off_is_not_kept(relay: Relay) -> None:
    (await send(relay, "127.0.0.7")).close()
    await relay.settled()
    await (await relay.client("127.0.0.8")).reply()
    assert relay.upstream.connections == 2


async def test_without_xclient_each_client_has_its_own(tmp_path: Path) -> None:
    async with relaying(tmp_path, identity="none") as relay:
        for number in (7, 8, 9):
            await leave(relay, f"127.0.0.{number}")
        assert relay.upstream.connections == 3


async def test_none_is_kept_where_the_settings_say_so(tmp_path: Path) -> None:
    async with relaying(tmp_path, limits={"upstream_keep": 0}) as relay:
        await warm(relay)
        await leave(relay, "127.0.0.7")
        await leave(relay, "127.0.0.8")
        assert relay.upstream.connections == 2


@pytest.mark.parametrize(
    "answer",
    [
        b"421 4.4.2 timeout\r\n",
        b"503 5.5.1 not now\r\n",
        b"250 2.0.0 ok\r\n",
        b"220 one\r\n220 two\r\n",
        b"rubbish\r\n",
        b"",
    ],
)
async def test_one_that_does_not_begin_anew_costs_nobody_anything(
    relay: Relay, answer: bytes
) -> None:
    await leave(relay, "127.0.0.7")

    def once(line: bytes) -> bytes:
        relay.upstream.answers.clear()
        return answer

    relay.upstream.answers[b"XCLIENT"] = once
    client = await send(relay, "127.0.0.8")
    assert relay.upstream.connections == 2
    assert relay.hub.codes() == []
    assert b"ADDR=127.0.0.8" in heard(relay, b"XCLIENT")[-1]
    client.close()


async def test_after_one_that_did_not_begin_anew_none_is_kept_for_a_while(relay: Relay) -> None:
    both = [await send(relay, f"127.0.0.{number}") for number in (7, 8)]
    for client in both:
        await client.say(b"QUIT")
    await relay.settled()
    relay.upstream.answers[b"XCLIENT"] = lambda line: (
        b"220 first\r\n" if relay.upstream.connections > 2 else b"550 5.7.0 no\r\n"
    )
    for number in (9, 10, 11):
        await leave(relay, f"127.0.0.{number}")
    assert relay.upstream.connections == 5
    assert len(heard(relay, b"XCLIENT")) == 2 + 1 + 3
    relay.context.kept._rests = 0.0
    await leave(relay, "127.0.0.12")
    await leave(relay, "127.0.0.13")
    assert relay.upstream.connections == 6


async def test_one_that_hangs_is_waited_for_once_and_not_long(
    relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(identity, "NEXT", 0.01)
    both = [await send(relay, f"127.0.0.{number}") for number in (7, 8)]
    for client in both:
        await client.say(b"QUIT")
    await relay.settled()
    relay.upstream.answers[b"XCLIENT"] = lambda line: (
        None if relay.upstream.connections > 2 else asyncio.sleep(60)
    )
    await leave(relay, "127.0.0.9")
    assert relay.upstream.connections == 3
    assert len(heard(relay, b"XCLIENT")) == 2 + 1 + 1


async def test_without_reverse_name_none_is_kept(tmp_path: Path) -> None:
    """NAME=[UNAVAILABLE] leaves the reverse name of the client before."""
    async with relaying(tmp_path) as relay:
        relay.upstream.keywords.append(b"XCLIENT NAME ADDR PORT")
        for number in (7, 8, 9):
            await leave(relay, f"127.0.0.{number}")
        assert relay.upstream.connections == 3


async def test_a_goodbye_to_one_client_is_not_said_to_another(tmp_path: Path) -> None:
    async with relaying(tmp_path) as relay:
        relay.upstream.keywords.append(b"XCLIENT NAME REVERSE_NAME ADDR PORT")
        for number in (7, 8):
            goodbye = b"221 bye 127.0.0.%d\r\n" % number
            relay.upstream.answers[b"QUIT"] = goodbye
            client = await send(relay, f"127.0.0.{number}")
            assert await client.say(b"QUIT") == goodbye
        assert relay.upstream.connections == 2


async def test_a_quit_with_something_behind_is_the_upstreams_to_judge(relay: Relay) -> None:
    relay.upstream.answers[b"QUIT"] = b"501 5.5.4 QUIT takes no argument\r\n"
    client = await send(relay, "127.0.0.7")
    assert (await client.say(b"QUIT now")).startswith(b"501 ")
    client.close()


async def test_the_upstreams_refusal_of_the_next_client_is_passed_on(relay: Relay) -> None:
    await leave(relay, "127.0.0.7")
    relay.upstream.answers[b"XCLIENT"] = b"554 5.7.1 we know you\r\n"
    assert await (await relay.client()).reply() == b"554 5.7.1 we know you\r\n"
    assert relay.upstream.connections == 1


@pytest.mark.parametrize("said", [b"421 4.3.2 going down\r\n", b"250 2.0.0 late\r\n", b""])
async def test_what_it_says_unasked_ends_it(relay: Relay, said: bytes) -> None:
    await leave(relay, "127.0.0.7")
    upstream = relay.context.kept._idle[0][1]
    relay.upstream.writers[-1].write(said)
    if not said:
        relay.upstream.writers[-1].close()
    async with asyncio.timeout(5):
        while upstream.idle:
            await asyncio.sleep(0)
    await leave(relay, "127.0.0.8")
    assert relay.upstream.connections == 2
    assert relay.hub.codes() == []


async def test_after_a_while_the_relay_parts_from_it(relay: Relay) -> None:
    await leave(relay, "127.0.0.7")
    now = asyncio.get_running_loop().time()
    relay.context.kept._sweep(now + 1)
    assert heard(relay, b"QUIT") == []
    relay.context.kept._sweep(now + 3)
    async with asyncio.timeout(5):
        while not heard(relay, b"QUIT"):
            await asyncio.sleep(0)
    assert relay.context.kept.take() is None


async def test_the_sweep_comes_by_itself(tmp_path: Path) -> None:
    async with relaying(tmp_path, limits={"upstream_keep": 0.001}) as relay:
        await warm(relay)
        await leave(relay, "127.0.0.7")
        async with asyncio.timeout(5):
            while not heard(relay, b"QUIT"):
                await asyncio.sleep(0)


async def test_a_drain_parts_from_it(relay: Relay) -> None:
    await leave(relay, "127.0.0.7")
    await relay.listener.drain(0)
    async with asyncio.timeout(5):
        while not heard(relay, b"QUIT"):
            await asyncio.sleep(0)


async def test_how_many_how_old_and_how_many_clients(
    relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "CLIENTS", 2)
    for _ in range(3):
        await leave(relay, "127.0.0.7")
    assert relay.upstream.connections == 2
    monkeypatch.setattr(kept, "AGE", 0)
    await leave(relay, "127.0.0.7")  # in the second
    await leave(relay, "127.0.0.7")
    assert relay.upstream.connections == 3
    monkeypatch.setattr(kept, "AGE", 60)
    relay.context.kept._most = 1
    both = [await send(relay, f"127.0.0.{number}") for number in (7, 8)]
    for client in both:
        await client.say(b"QUIT")
    await relay.settled()
    assert len(relay.context.kept._idle) == 1
