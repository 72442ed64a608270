"""An upstream that breaks the protocol: its client hears "try again", once, and never 2xx."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from fakes import Relay, relaying

from monitor import events as ev

MAIL, RCPT = b"MAIL FROM:<a@client.test>", b"RCPT TO:<b@home.test>"
CONTENT = b"Subject: x\r\n\r\nbody\r\n."
QUEUED = b"250 2.0.0 queued\r\n"
RUBBISH = {
    "10,000 lines": b"250-more\r\n" * 10_000 + b"250 done\r\n",
    "an endless line": b"250 " + b"x" * 1_000_000,
    "two replies at once": b"250 2.1.0 ok\r\n250 2.1.0 ok\r\n",
    "another code between": b"250-ok\r\n550 no\r\n",
    "no reply": b"hello\r\n",
    "a code of nobody": b"999 ok\r\n",
    "binary": bytes(range(256)) * 4,
    "an empty line": b"\r\n",
    "go ahead": b"354 go ahead\r\n",
    "a challenge": b"334 VXNlcm5hbWU6\r\n",
    "nothing, closed": b"",
    "half a reply, closed": b"250-ok\r\n",
}
VERBS = (b"EHLO", b"MAIL", b"RCPT", b"DATA", b"NOOP", b"RSET")


async def send(relay: Relay) -> bytes:
    client = await relay.greeted()
    return await client.say(MAIL, RCPT, b"DATA", CONTENT)


def reply(relay: Relay, rubbish: bytes) -> bytes | Callable[[bytes], Awaitable[bytes]]:
    """``rubbish`` as an answer; one that is not whole is followed by a close."""
    if rubbish.startswith(b"250-") and rubbish.count(b"\n") == 1:

        async def half(line: bytes = b"") -> bytes:
            relay.upstream.hang_up = True
            return rubbish

        return half
    return rubbish


@pytest.mark.parametrize(
    ("verb", "rubbish"),
    [
        pytest.param(verb, rubbish, id=f"{verb.decode()}-{name}")
        for verb in VERBS
        for name, rubbish in RUBBISH.items()
        if (verb, name) != (b"DATA", "go ahead")  # as it should be
    ],
)
async def test_rubbish_is_451_and_leaves_the_upstream(
    tmp_path: Path, verb: bytes, rubbish: bytes
) -> None:
    async with relaying(tmp_path) as relay:
        client = await relay.client()
        await client.reply()
        lines = [b"EHLO client.test", MAIL, RCPT, verb]
        before = relay.upstream.connections
        relay.upstream.answers[verb] = reply(relay, rubbish)
        for line in lines[: 1 + [x[:4] for x in lines].index(verb)]:
            answer = await client.say(line)
        if verb == b"DATA":
            answer = await client.say(CONTENT)
        assert re.fullmatch(rb"451 [^\r\n]*mxtap: [^\r\n]*\r\n", answer), answer
        assert relay.upstream.messages == []
        relay.upstream.answers.clear()
        await client.say(b"RSET")
        assert await client.say(MAIL, RCPT, b"DATA", CONTENT) == QUEUED
        assert relay.upstream.connections == before + 1
        assert {"relay.upstream-down"} <= set(relay.hub.codes())


@pytest.mark.parametrize("rubbish", RUBBISH.values(), ids=RUBBISH)
async def test_rubbish_for_a_banner_is_421(tmp_path: Path, rubbish: bytes) -> None:
    async with relaying(tmp_path) as relay:
        relay.upstream.banner, good = rubbish, relay.upstream.banner
        if rubbish in (b"", RUBBISH["half a reply, closed"]):
            relay.upstream.hang_up = True
        client = await relay.client()
        assert re.fullmatch(rb"421 4.3.2 mxtap: [^\r\n]*\r\n", await client.rest())
        relay.upstream.banner = good
        assert await send(relay) == QUEUED


@pytest.mark.parametrize("code", [250, 354])
async def test_xclient_that_is_not_answered_with_a_banner(tmp_path: Path, code: int) -> None:
    async with relaying(tmp_path) as relay:
        relay.upstream.keywords.append(b"XCLIENT NAME ADDR PORT")
        relay.upstream.answers[b"XCLIENT"] = b"%d ok\r\n" % code
        client = await relay.client()
        assert (await client.rest()).startswith(b"421 4.3.2 mxtap: ")


@pytest.mark.parametrize("rubbish", RUBBISH.values(), ids=RUBBISH)
async def test_rubbish_behind_the_dot_is_451_and_unknown(tmp_path: Path, rubbish: bytes) -> None:
    async with relaying(tmp_path) as relay:
        answer = reply(relay, rubbish)
        relay.upstream.dot = answer
        heard = await send(relay)
        assert re.fullmatch(rb"451 [^\r\n]*mxtap: [^\r\n]*\r\n", heard), heard
        assert relay.hub.of(ev.Ended)[0].state == "unknown"
        assert len(relay.upstream.messages) == 1


async def test_a_reply_before_the_dot_is_not_taken_for_that_to_it(tmp_path: Path) -> None:
    async with relaying(tmp_path) as relay:
        relay.upstream.chatty = b"250 2.0.0 queued\r\n"
        client = await relay.greeted()
        await client.say(MAIL, RCPT, b"DATA")
        client.writer.write((b"x" * 70 + b"\r\n") * 120_000 + b".\r\n")
        answer = await client.reply()
        assert answer.startswith(b"451 ")
        assert relay.hub.of(ev.Ended)[0].state == "none"
        assert relay.upstream.messages == []


async def talk_on(writer: asyncio.StreamWriter) -> None:
    async with asyncio.timeout(5):
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.01)


async def test_an_upstream_that_takes_no_content_is_left(tmp_path: Path) -> None:
    """Nothing waits for its buffer to be written, and no dot goes out."""
    async with relaying(tmp_path, limits={"upstream_reply": 0.3}) as relay:

        async def deaf(line: bytes) -> bytes:
            relay.upstream.writers[-1].transport.pause_reading()  # type: ignore[attr-defined]
            relay.upstream.writers[-1].write(b"354 go\r\n")
            await asyncio.Event().wait()
            return b""

        relay.upstream.answers[b"DATA"] = deaf
        client = await relay.greeted()
        await client.say(MAIL, RCPT, b"DATA")
        client.writer.write((b"x" * 998 + b"\r\n") * 15_000 + b".\r\n")
        assert (await client.reply()).startswith(b"451 ")
        assert relay.hub.of(ev.Ended)[0].state == "none"
        assert "relay.upstream-down" in relay.hub.codes()
        [kept] = relay.upstream.writers[1:]
        with pytest.raises(ConnectionError):
            await talk_on(kept)


async def test_escapes_reach_nobody(tmp_path: Path) -> None:
    text = b"\x1b]0;owned\x07\x1b[2J\x9b31m\x00\r\x7f ok"
    async with relaying(tmp_path) as relay:
        for verb in (b"EHLO", *VERBS[1:3]):
            relay.upstream.answers[verb] = b"250 " + text + b"\r\n"
        relay.upstream.banner = b"220 " + text + b"\r\n"
        relay.upstream.answers[b"DATA"] = b"354 " + text + b"\r\n"
        relay.upstream.dot = b"250 " + text + b"\r\n"
        client = await relay.client()
        heard = await client.reply()
        for line in (b"EHLO client.test", MAIL, RCPT, b"DATA", CONTENT):
            heard += await client.say(line)
        assert not re.search(rb"[\x00-\x09\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)|(?<!\r)\n", heard)
        for event in relay.hub.of(ev.Reply):
            assert "".join(event.lines).isprintable()
        assert relay.hub.of(ev.Ended)[0].verdict.reply.isprintable()


@pytest.mark.parametrize("refusal", [b"450 4.7.1 later\r\n", b"550 5.7.1 no\r\n"])
async def test_a_refused_data_leaves_no_open_transaction(tmp_path: Path, refusal: bytes) -> None:
    """For the client it is over; an upstream with it still open refuses the next MAIL."""
    nested = False

    def mail(line: bytes) -> bytes:
        nonlocal nested
        nested, before = True, nested
        return b"503 5.5.1 nested MAIL\r\n" if before else b"250 2.1.0 ok\r\n"

    def rset(line: bytes) -> bytes:
        nonlocal nested
        nested = False
        return b"250 2.0.0 ok\r\n"

    async with relaying(tmp_path) as relay:
        relay.upstream.answers |= {b"MAIL": mail, b"RSET": rset, b"DATA": refusal}
        client = await relay.greeted()
        assert await client.say(MAIL, RCPT, b"DATA", CONTENT) == refusal
        assert relay.hub.of(ev.Ended)[0].state == "refused"
        del relay.upstream.answers[b"DATA"]
        assert await client.say(MAIL, RCPT, b"DATA", CONTENT) == QUEUED


async def test_a_nested_mail_that_is_taken_starts_anew(tmp_path: Path) -> None:
    """qmail does so: whom the lists are asked about, and who is told, is the new one."""
    async with relaying(tmp_path) as relay:
        asked: list[str | None] = []
        relay.hub.ruler, passes = (
            lambda stage: (asked.append(stage.mail_from), passes(stage))[1],
            relay.hub.ruler,
        )
        client = await relay.greeted()
        await client.say(MAIL, RCPT)
        asked.clear()
        await client.say(b"MAIL FROM:<other@client.test>")
        assert asked == ["other@client.test"]
        assert await client.say(RCPT, b"DATA", CONTENT) == QUEUED
        assert [e.address for e in relay.hub.of(ev.Mail)] == ["a@client.test", "other@client.test"]
        first, second = relay.hub.of(ev.Ended)
        assert (first.state, second.state) == ("none", "accepted")
        assert first.transaction != second.transaction


async def test_a_nested_mail_that_is_refused_changes_nothing(tmp_path: Path) -> None:
    async with relaying(tmp_path) as relay:
        client = await relay.greeted()
        await client.say(MAIL, RCPT)
        relay.upstream.answers[b"MAIL"] = b"503 5.5.1 nested MAIL\r\n"
        assert await client.say(b"MAIL FROM:<x@client.test>") == b"503 5.5.1 nested MAIL\r\n"
        assert await client.say(b"DATA", CONTENT) == QUEUED
        assert [e.address for e in relay.hub.of(ev.Mail)] == ["a@client.test"]


@pytest.mark.parametrize("command", [b"DATA now", b"DATA"])
async def test_content_behind_any_refused_data_runs_as_no_command(
    tmp_path: Path, command: bytes
) -> None:
    async with relaying(tmp_path) as relay:
        client = await relay.greeted()
        await client.say(MAIL, RCPT)
        if command == b"DATA":
            # The upstream is lost, and with it the transaction.
            relay.upstream.answers[b"NOOP"] = b""
            await client.say(b"NOOP")
        client.writer.write(command + b"\r\nRSET\r\nMAIL FROM:<evil@client.test>\r\n.\r\n")
        await client.rest()
        assert not any(b"evil" in line for line in relay.upstream.lines)


async def test_an_unasked_421_is_told_as_one(tmp_path: Path) -> None:
    async with relaying(tmp_path) as relay:
        client = await relay.greeted()
        relay.upstream.answers[b"NOOP"] = b"250 ok\r\n"
        await client.say(b"NOOP")
        for writer in relay.upstream.writers:
            writer.write(b"421 4.4.2 too slow\r\n")
            writer.close()
        await asyncio.sleep(0.05)
        assert await client.say(MAIL) == b"421 4.4.2 too slow\r\n"
        assert await client.rest() == b""
