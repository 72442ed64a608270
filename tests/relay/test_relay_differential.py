"""What the client meant, what the relay understood, and what went upstream: the same, always.

Against a real Postfix: ``tests/real/test_real_differential.py``; for long, by hand:
``MXTAP_TEST_EXAMPLES=20000``.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
from fakes import Relay, relaying
from hypothesis import HealthCheck, given, settings
from smtp_sessions import END, Command, Content, Heard, Session, hold, sessions

from monitor import events as ev

EXAMPLES = int(os.environ.get("MXTAP_TEST_EXAMPLES", "100"))
STARTS_OR_ENDS = (b"EHLO", b"HELO", b"MAIL", b"RSET", b"DATA")
_ids = itertools.count(1).__next__


async def through(session: Session) -> tuple[Heard, Relay]:
    with tempfile.TemporaryDirectory() as folder:
        async with relaying(Path(folder), tls={"enabled": False}) as relay:
            relay.upstream.answers[b"RCPT"] = lambda _: refused(relay.upstream.lines)
            port = relay.listener.addresses[0][1]
            heard = await asyncio.to_thread(hold, port, session)
            await relay.settled()
            return heard, relay


def refused(lines: list[bytes]) -> bytes | None:
    """What an MTA says to RCPT outside of a transaction (RFC 5321 3.3)."""
    verbs = [line.split(b" ")[0].upper() for line in lines]
    last = next((verb for verb in reversed(verbs) if verb in STARTS_OR_ENDS), b"")
    return None if last == b"MAIL" else b"503 5.5.1 MAIL first\r\n"


def texts(event: ev.AnyEvent) -> Iterator[str]:
    """Every text of an event, as far down as it goes."""
    waiting: list[object] = [msgspec.to_builtins(event)]
    while waiting:
        match waiting.pop():
            case str(text):
                yield text
            case dict(fields):
                waiting += fields.values()
            case list(items) | tuple(items):
                waiting += items


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(session=sessions(_ids))
def test_the_upstream_hears_no_more_and_no_less_and_nothing_else(session: Session) -> None:
    heard, relay = asyncio.run(through(session))
    up = [(b"\r\n" + raw).replace(b"\r\n.", b"\r\n")[2:] for raw in relay.upstream.messages]
    assert up == [taken.content.sent for taken in heard.taken]
    assert not any(b"smuggled" in line for line in relay.upstream.lines)
    for content in up:
        bare = content.replace(b"\r\n", b"")
        assert b"\r" not in bare
        assert b"\n" not in bare
    assert not any(END in b"\r\n" + raw.replace(b"\0", b"") for raw in relay.upstream.messages)
    assert all(json.loads(msgspec.json.encode(event)) for event in relay.hub.events)
    assert all(text.isprintable() for event in relay.hub.events for text in texts(event))

    ended = [end for end in relay.hub.of(ev.Ended) if end.state == "accepted"]
    told = {content.transaction: content for content in relay.hub.of(ev.Content)}
    senders = {mail.transaction: mail.address for mail in relay.hub.of(ev.Mail)}
    assert [told[end.transaction].sha256 for end in ended] == [
        hashlib.sha256(content).hexdigest() for content in up
    ]
    assert [senders[end.transaction].encode() for end in ended] == [t.sender for t in heard.taken]
    if not session.blast and heard.whole:
        assert not any(content.safe for content in heard.refused)


async def test_a_tame_session_is_taken_whole() -> None:
    """The above would hold of a relay that refuses all."""
    steps = (
        Command(b"EHLO client.test"),
        *(
            step
            for n in range(3)
            for step in (
                Command(b"MAIL FROM:<s%d@sender.test>" % n),
                Command(b"RCPT TO:<r%d@sink.test>" % n),
                Content(b"Message-ID: <%d@client.test>\r\n\r\n..x\r\n" % n),
            )
        ),
        Command(b"QUIT"),
    )
    for blast in (False, True):
        heard, relay = await through(Session(steps, blast, (1, 2)))
        assert len(heard.taken) == len(relay.upstream.messages) == 3
