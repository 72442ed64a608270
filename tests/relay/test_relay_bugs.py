"""Bugs of ours, at every stage: no mail is lost or refused for them, and nobody reads of them."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fakes import Client, FakeHub, Relay, relaying

from monitor import events as ev
from monitor.checks.case import ClientReport, MessageReport, RecipientsReport, SenderReport
from monitor.policy.ruling import PASS, Ruling
from monitor.relay import delivery, receiving, session, telling, verbs
from monitor.relay.data import DataParser
from monitor.relay.journal import Journal
from monitor.relay.spool import Spool, SpooledMessage

MAIL, RCPT = b"MAIL FROM:<a@client.test>", b"RCPT TO:<b@home.test>"
CONTENT = b"Subject: x\r\n\r\nbody\r\n."
QUEUED = b"250 2.0.0 queued\r\n"
CODES = [b"220", b"250", b"250", b"250", b"354", b"250", b"221"]


def raises(*_: Any, **__: Any) -> None:
    raise RuntimeError("secret internals")


async def hangs(*_: Any) -> None:
    await asyncio.Event().wait()


def gives(value: object) -> Callable[..., object]:
    return lambda *_: value


async def send(client: Client) -> bytes:
    """One message on a session that is greeted; the reply to its last dot."""
    return await client.say(MAIL, RCPT, b"DATA", CONTENT)


async def whole(relay: Relay) -> list[bytes]:
    """The codes that a client hears in a session with one message."""
    client = await relay.client()
    lines = (b"EHLO client.test", MAIL, RCPT, b"DATA", CONTENT, b"QUIT")
    heard = [await client.reply(), *[await client.say(line) for line in lines]]
    assert await client.rest() == b"", "more replies than commands"
    assert b"secret" not in b"".join(heard)
    return [reply[:3] for reply in heard]


CHECKS = ("on_client", "on_sender", "on_recipients", "on_message")
FAULTS = {
    "raises": raises,
    "hangs": hangs,
    "gives nothing": gives(None),
    "gives a word": gives("pass"),
    "gives another's report": gives(Ruling()),
    "gives findings that are none": gives((ClientReport, SenderReport)),
}
ROTTEN: dict[str, Any] = {
    "on_client": ClientReport(answers=(1,), findings=("x",), name=b"\xff"),  # type: ignore[arg-type]
    "on_sender": SenderReport(answers=None, spf=None),  # type: ignore[arg-type]
    "on_recipients": RecipientsReport(findings=(None,)),  # type: ignore[arg-type]
    "on_message": MessageReport(findings=7, verified="all", results=b"X: y"),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("stamp", [True, False])
async def test_a_check_that_is_broken_costs_no_mail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, check: str, fault: Any, stamp: bool
) -> None:
    monkeypatch.setattr(session, "GRACE", 0.1)
    async with relaying(tmp_path, checks={"deadline": 0.1, "stamp": stamp}) as relay:
        setattr(relay.checks, check, fault)
        began = time.monotonic()
        assert await whole(relay) == CODES
        assert time.monotonic() - began < 1
        assert "relay.check-failed" in relay.hub.codes()
        assert relay.upstream.messages == [b"Subject: x\r\n\r\nbody\r\n"]


@pytest.mark.parametrize("check", CHECKS)
async def test_a_report_that_is_rotten_inside_costs_no_mail(tmp_path: Path, check: str) -> None:
    async with relaying(tmp_path, checks={"stamp": True}) as relay:
        setattr(relay.checks, check, gives(ROTTEN[check]))
        assert await whole(relay) == CODES
        assert relay.upstream.messages == [b"Subject: x\r\n\r\nbody\r\n"]


@pytest.mark.parametrize(
    "results",
    [
        "X: y\r\n",
        "Authentication-Results: mx; none",
        "Authentication-Results: mx; none\r\nX-Injected: y\r\n",
        "Authentication-Results: mx; none\r\n\r\n",
        "Authentication-Results: mx\n; none\r\n",
        "Authentication-Results: mx\x00; none\r\n",
        "Authentication-Results: bücher.test; none\r\n",
    ],
)
async def test_a_field_goes_on_top_whole_or_not_at_all(tmp_path: Path, results: str) -> None:
    async with relaying(tmp_path, checks={"stamp": True}) as relay:
        relay.checks.on_message = gives(MessageReport(results=results))
        assert await whole(relay) == CODES
        assert relay.upstream.messages == [b"Subject: x\r\n\r\nbody\r\n"]
        assert "relay.check-failed" in relay.hub.codes()


@pytest.mark.parametrize(
    "fault", [raises, hangs, gives(None), gives("reject"), gives(SenderReport())]
)
async def test_a_ruling_that_is_broken_lets_the_mail_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Any
) -> None:
    monkeypatch.setattr(session, "GRACE", 0.02)

    async def rule(self: FakeHub, stage: Any) -> Any:
        told = fault(stage)
        return await told if asyncio.iscoroutine(told) else told

    async with relaying(tmp_path, checks={"deadline": 0}) as relay:
        monkeypatch.setattr(FakeHub, "rule", rule)
        assert await whole(relay) == CODES
        assert "relay.check-failed" in relay.hub.codes()


@pytest.mark.parametrize("code", [0, 200, 250, 354, 600, -1])
@pytest.mark.parametrize("phase", ["rcpt", "eod"])
async def test_what_is_refused_is_never_told_as_a_success(
    tmp_path: Path, code: int, phase: str
) -> None:
    refusal = Ruling(action="reject", code=code, text="5.7.1 no")
    async with relaying(tmp_path) as relay:
        relay.hub.ruler = lambda stage: refusal if stage.phase == phase else PASS
        client = await relay.greeted()
        answer = await (client.say(MAIL, RCPT) if phase == "rcpt" else send(client))
        assert answer == b"550 5.7.1 mxtap: no\r\n"


KINDS = (ev.Opened, ev.Named, ev.Identified, ev.Command, ev.Reply, ev.Mail, ev.Rcpt, ev.Content)


@pytest.mark.parametrize("kind", [*KINDS, ev.Ended, ev.Closed, ev.Event])
async def test_an_event_that_nobody_can_take_costs_no_mail(
    tmp_path: Path, kind: type[ev.Event]
) -> None:
    async with relaying(tmp_path) as relay:
        emit = relay.hub.emit

        def failing(event: ev.AnyEvent) -> None:
            emit(event)
            if isinstance(event, kind):
                raises()

        relay.hub.emit = failing  # type: ignore[method-assign]
        assert await whole(relay) == CODES


@pytest.mark.parametrize("verb", sorted(set(verbs.VERBS)))
async def test_a_bug_in_a_verb_is_451_without_internals(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verb: bytes
) -> None:
    async with relaying(tmp_path) as relay:
        client = await relay.greeted()
        lines = (MAIL, RCPT) if verb in (b"DATA", b"RSET") else (MAIL,) if verb == b"RCPT" else ()
        if lines:
            await client.say(*lines)
        with monkeypatch.context() as patch:
            patch.setitem(verbs.VERBS, verb, raises)
            assert await client.say(verb) == (
                b"451 4.3.0 mxtap: local trouble, try again later\r\n"
            )
        assert await send(client) == QUEUED
        assert (await client.say(b"QUIT")).startswith(b"221")


STEPS = {
    "the spool opens": (Spool, "message"),
    "the spool writes": (SpooledMessage, "write"),
    "the header is summed up": (telling, "summary"),
    "the content is told": (receiving, "_tell_content"),
    "the check begins": (delivery, "_check"),
    "the journal starts": (Journal, "start"),
    "the journal ends": (Journal, "end"),
    "the message is read": (SpooledMessage, "pieces"),
    "the message is closed": (SpooledMessage, "close"),
}
UNHARMED = (
    "the header is summed up",
    "the content is told",
    "the journal starts",
    "the journal ends",
    "the message is closed",
)


@pytest.mark.parametrize("step", STEPS)
async def test_a_bug_at_any_step_of_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    async with relaying(tmp_path) as relay:
        client = await relay.greeted()
        with monkeypatch.context() as patch:
            patch.setattr(*STEPS[step], raises)
            answer = await client.say(MAIL, RCPT, b"DATA")
            if answer.startswith(b"354"):
                answer = await client.say(CONTENT)
        assert answer == QUEUED if step in UNHARMED else answer.startswith(b"451 4.3.0 mxtap: ")
        assert await send(client) == QUEUED
        assert (await client.say(b"QUIT")).startswith(b"221")
        await relay.settled()
        accepted = [e for e in relay.hub.of(ev.Ended) if e.state == "accepted"]
        assert len(accepted) == len(relay.upstream.messages) == (2 if step in UNHARMED else 1)


async def test_a_bug_before_the_end_of_the_content_is_the_end_of_the_session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the content ends is not known then, and the rest of it must not run as commands."""
    async with relaying(tmp_path) as relay:
        client = await relay.greeted()
        await client.say(MAIL, RCPT, b"DATA")
        monkeypatch.setattr(DataParser, "feed", raises)
        answer = await client.say(b"Subject: RSET\r\n\r\nRSET\r\nNOOP\r\n.")
        assert answer.startswith(b"421 4.3.0 mxtap: ")
        assert await client.rest() == b"", "content was heard as commands"
        await relay.settled()
        [ended] = relay.hub.of(ev.Ended)
        assert (ended.verdict.code, ended.state) == (451, "none")
        assert relay.upstream.messages == []


async def test_a_bug_behind_a_reply_is_no_second_reply_but_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reply too many would be taken for that to the next command, and so on from there."""

    async def twice(d: session.Dialogue, line: Any, argument: bytes) -> None:
        await verbs.harmless(d, line, argument)
        raises()

    async with relaying(tmp_path) as relay:
        client = await relay.greeted()
        monkeypatch.setitem(verbs.VERBS, b"NOOP", twice)
        assert (await client.say(b"NOOP")).startswith(b"250")
        assert await client.rest() == b"421 4.3.0 mxtap: local trouble, try again later\r\n"


async def test_a_bug_on_the_way_to_the_upstream_is_421(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with relaying(tmp_path) as relay:
        with monkeypatch.context() as patch:
            patch.setattr(session.Link, "open", raises)
            client = await relay.client()
            assert await client.rest() == b"421 4.3.0 mxtap: local trouble, try again later\r\n"
        assert await whole(relay) == CODES


async def test_every_command_has_one_reply_whatever_breaks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The event behind each reply breaks in turn; nothing is out of step after it."""
    async with relaying(tmp_path) as relay:
        emit, numbers = relay.hub.emit, itertools.count()

        def failing(event: ev.AnyEvent) -> None:
            emit(event)
            if next(numbers) % 3 == 0:
                raises()

        relay.hub.emit = failing  # type: ignore[method-assign]
        client = await relay.greeted()
        for _ in range(5):
            assert await send(client) == QUEUED
        assert len(relay.upstream.messages) == 5
