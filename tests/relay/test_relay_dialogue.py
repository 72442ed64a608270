"""Lock step: what the client says goes up, what the upstream answers comes down."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from fakes import relaying

from monitor import events as ev
from monitor.assembler import Assembler
from monitor.record import Record

MESSAGE = b"From: a@client.test\r\nSubject: x\r\n\r\n.dot\r\n..two\r\nend\r\n"
WIRE = MESSAGE.replace(b"\r\n.", b"\r\n..")


async def test_a_message_goes_through_verbatim(tmp_path: Path) -> None:
    async with relaying(tmp_path) as relay:
        client = await relay.client()
        assert await client.reply() == b"220 upstream.test ESMTP\r\n"
        ehlo = await client.say(b"EHLO client.test")
        assert ehlo.startswith(b"250-upstream.test\r\n")
        assert b"DSN" in ehlo
        assert b"STARTTLS" in ehlo
        assert b"SIZE 1000000" in ehlo
        assert b"CHUNKING" not in ehlo
        await client.say(b"MAIL FROM:<a@client.test> SIZE=100 RET=HDRS", b"RCPT TO:<b@home.test>")
        assert (await client.say(b"DATA")).startswith(b"354")
        assert await client.say(WIRE + b".") == b"250 2.0.0 queued\r\n"
        assert await client.say(b"QUIT") == b"221 2.0.0 bye\r\n"
        await relay.settled()
        assert relay.upstream.messages == [WIRE]
        assert b"MAIL FROM:<a@client.test> SIZE=100 RET=HDRS" in relay.upstream.lines
        records = fold(relay.hub.events)
        assert [(r.mail_from, r.verdict.code, r.state) for r in records] == [
            ("a@client.test", 250, "accepted")
        ]
        assert records[0].message
        assert records[0].message.size == len(MESSAGE)
        assert records[0].client.helo == "client.test"


async def test_passwords_are_told_nobody(tmp_path: Path) -> None:
    async with relaying(tmp_path) as relay:
        client = await relay.greeted()
        for line in (
            b"AUTH PLAIN c2VjcmV0",
            b"auth\tlogin  c2VjcmV0 x",
            b"HELP AUTH for me",
        ):
            await client.say(line)
        client.close()
        await relay.settled()
        assert not any(b"c2VjcmV0" in ev.encode(event) for event in relay.hub.events)
        assert not any(b"c2VjcmV0" in line for line in relay.upstream.lines)
        told = [(event.text, event.size) for event in relay.hub.of(ev.Command)][1:]
        assert told == [
            ("AUTH PLAIN ***", 19),
            ("auth\\x09login ***", 22),
            ("HELP AUTH for me", 16),
        ]


def fold(events: list[ev.AnyEvent]) -> list[Record]:
    assembler = Assembler()
    out = [o for e in events for o in assembler.feed(e)[1]]
    return [o for o in out if isinstance(o, Record)]


async def test_a_quit_that_the_upstream_refuses_ends_nothing(tmp_path: Path) -> None:
    async with relaying(tmp_path) as relay:
        client = await relay.greeted()
        relay.upstream.answers[b"QUIT"] = lambda line: (
            b"501 5.5.4 no argument\r\n" if line == b"QUIT now" else None
        )
        await client.say(b"MAIL FROM:<a@client.test>")
        assert await client.say(b"QUIT now") == b"501 5.5.4 no argument\r\n"
        assert (await client.say(b"RCPT TO:<b@home.test>")).startswith(b"250")
        assert [r.address for r in relay.hub.of(ev.Rcpt)] == ["b@home.test"]
        assert await client.say(b"QUIT") == b"221 2.0.0 bye\r\n"


@pytest.mark.parametrize("command", [b"RSET now", b"EHLO"])
async def test_a_new_start_that_the_upstream_refuses_is_none(
    tmp_path: Path, command: bytes
) -> None:
    async with relaying(tmp_path) as relay:
        client = await relay.greeted()
        relay.upstream.answers[command[:4]] = b"501 5.5.4 syntax\r\n"
        await client.say(b"MAIL FROM:<a@client.test>", b"RCPT TO:<b@home.test>")
        assert await client.say(command) == b"501 5.5.4 syntax\r\n"
        await client.say(b"DATA")
        assert await client.say(WIRE + b".") == b"250 2.0.0 queued\r\n"
        client.close()
        await relay.settled()
        (record,) = fold(relay.hub.events)
        assert (record.client.helo, record.state) == ("client.test", "accepted")


async def test_starttls_takes_no_argument(tmp_path: Path) -> None:
    async with relaying(tmp_path) as relay:
        client = await relay.greeted()
        assert (await client.say(b"STARTTLS now")).startswith(b"501 ")
        assert (await client.say(b"STARTTLS")).startswith(b"220 ")


async def test_under_tls_the_upstream_knows_nothing_of_the_plaintext(tmp_path: Path) -> None:
    async with relaying(tmp_path) as relay:
        upstream = relay.upstream
        greeted: set[int] = set()  # connections
        upstream.answers[b"EHLO"] = lambda line: greeted.add(upstream.connections)
        upstream.answers[b"MAIL"] = lambda line: (
            None if upstream.connections in greeted else b"503 5.5.1 EHLO first\r\n"
        )
        client = await relay.greeted()
        await client.say(b"STARTTLS")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        await client.writer.start_tls(context)
        assert await client.say(b"MAIL FROM:<a@client.test>") == b"503 5.5.1 EHLO first\r\n"
        ok = await client.say(b"EHLO client.test", b"MAIL FROM:<a@client.test>")
        assert ok.startswith(b"250 ")
