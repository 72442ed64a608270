"""Lock step: what the client says goes up, what the upstream answers comes down."""

from __future__ import annotations

from pathlib import Path

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


def fold(events: list[ev.AnyEvent]) -> list[Record]:
    assembler = Assembler()
    out = [o for e in events for o in assembler.feed(e)[1]]
    return [o for o in out if isinstance(o, Record)]
