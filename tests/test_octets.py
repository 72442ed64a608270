"""What is no text on the wire is text in every file: SQLite and UTF-8 raise at a surrogate."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import msgspec

sys.path.insert(0, str(Path(__file__).parent / "relay"))

from fakes import Client, Upstream

from monitor import events as ev
from monitor.capture.reader import Capture
from monitor.config import load
from monitor.control.client import SocketFeed
from monitor.service import Service
from monitor.store.reading import Reading

SURROGATE = b"\xed\xa0\x80"  # U+D800 as if it were a character
SPOKEN = (
    b"\xff\xfe " + SURROGATE,
    b"EHLO \xff" + SURROGATE + b".client.test",
    b'MAIL FROM:<"\xff' + SURROGATE + b'"@client.test>',
    b"RCPT TO:<\xff" + SURROGATE + b"@home.test>",
    b"DATA",
)
MESSAGE = (
    b"From: \xff" + SURROGATE + b" <a@client.test>\r\n"
    b"Subject: \xff" + SURROGATE + b" =?utf-8?Q?=FF=ED=A0=80?=\r\n"
    b"Message-ID: <\xff" + SURROGATE + b"@client.test>\r\n\r\n\xff\r\n.\r\n"
)


async def test_octets_that_are_no_text_reach_every_file_as_text(tmp_path: Path) -> None:
    upstream = Upstream()
    upstream.answers[b"RCPT"] = b"250 2.1.5 \xff" + SURROGATE + b"\r\n"
    (tmp_path / "zone").write_text("client.test. IN A 127.0.0.1\n")
    state = tmp_path / "state"
    given = {
        "state": str(state),
        "listen": ["127.0.0.1:0"],
        "upstream": f"127.0.0.1:{await upstream.start()}",
        "dns": {"zone": str(tmp_path / "zone")},
        "identity": "none",
        "capture": {"mode": "full", "disk_floor": 0},
    }
    async with Service(load(environ={}, flags=given)) as service:
        client = Client(*await asyncio.open_connection(*service.listening[0]))
        await client.reply()
        await client.say(*SPOKEN)
        client.writer.write(MESSAGE)
        assert (await client.reply()).startswith(b"250")
        await client.say(b"QUIT")
        feed = SocketFeed(state)
        await feed.start()
        told = (await feed.history())[0]
        events = await feed.transcript(told.session)
        await feed.close()
        assert service.health.summary() == "0 sessions, 1 accepted, 0 deferred, 0 refused"
    await upstream.stop()

    reading = Reading(state)
    assert list(reading.records(0)) == [told]
    reading.close()
    (path,) = (state / "captures").iterdir()
    with Capture(path) as capture:
        kept = [event for index in range(len(capture.frames)) for event in capture.read(index)]
    assert [event for event in kept if not isinstance(event, ev.Body)] == events

    shown = r"\xff\xed\xa0\x80"
    assert told.message is not None
    texts = (
        told.client.helo, told.mail_from, told.rcpts[0].address, told.rcpts[0].reply,
        told.message.subject, told.message.message_id,
    )  # fmt: skip
    assert all(shown in (text or "") for text in texts), texts
    assert msgspec.json.encode([told, events]).decode().isprintable()
