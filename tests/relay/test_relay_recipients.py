"""Where recipients belong is told, above all of those that the upstream refuses at RCPT."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import cast

import pytest
from fakes import Client, Relay, relaying

from monitor import events as ev
from monitor.assembler import Assembler
from monitor.checks.case import RecipientsReport
from monitor.checks.checker import Checker
from monitor.config import load
from monitor.dns.zone import Zone
from monitor.record import Record

WRONG = b"RCPT TO:<info@branch.home.test>"
ZONE = """
client.test. MX 10 client.test.
client.test. A 127.0.0.1
branch.home.test. A 192.0.2.1
"""


@pytest.fixture
async def relay(tmp_path: Path) -> AsyncIterator[Relay]:
    """A relay whose upstream takes mail for home.test only."""
    checker = Checker(Zone(ZONE), load(environ={}, flags={"local_domains": ["home.test"]}))
    async with relaying(tmp_path, local_domains=["home.test"]) as relay:
        relay.checks.on_recipients = checker.recipients
        relay.upstream.answers[b"RCPT"] = lambda line: (
            b"250 ok\r\n" if line.endswith(b"@home.test>") else b"554 5.7.1 relay denied\r\n"
        )
        yield relay


async def begun(relay: Relay) -> Client:
    client = await relay.greeted()
    await client.say(b"MAIL FROM:<a@client.test>")
    assert (await client.say(WRONG)).startswith(b"554")
    return client


def records(relay: Relay) -> list[tuple[int, list[str]]]:
    """The verdict and the routing findings of each transaction."""
    assembler = Assembler()
    made = [output for event in relay.hub.events for output in assembler.feed(event)[1]]
    assert all(isinstance(output, Record) for output in made), "told too late for its record"
    return [
        (r.verdict.code, [f.code for f in r.findings if f.code.startswith("route.")])
        for r in cast("list[Record]", made)
    ]


TOLD = ["route.recipient-not-ours", "route.recipient-no-mx"]


@pytest.mark.parametrize(
    "last",
    [b"QUIT", b"RSET", b"EHLO client.test", b"DATA", None],
    ids=["quit", "rset", "ehlo", "data", "gone"],
)
async def test_of_a_recipient_refused_at_rcpt(relay: Relay, last: bytes | None) -> None:
    client = await begun(relay)
    if last == b"DATA":
        relay.upstream.answers[b"DATA"] = b"554 5.5.1 no valid recipients\r\n"
    if last is not None:
        await client.say(last)
    client.close()
    await relay.settled()
    assert records(relay) == [(554, TOLD)]
    asked = [(e.name, e.type) for e in relay.hub.of(ev.Asked) if e.transaction]
    assert ("branch.home.test", "MX") in asked


async def test_of_a_refused_recipient_beside_an_accepted_one(relay: Relay) -> None:
    client = await begun(relay)
    await client.say(b"RCPT TO:<info@home.test>", b"DATA", b"Subject: x\r\n\r\nhi\r\n.", b"QUIT")
    await relay.settled()
    assert records(relay) == [(250, TOLD)]


async def test_of_a_message_that_is_refused_unseen(relay: Relay) -> None:
    client = await begun(relay)
    await client.say(b"RCPT TO:<info@home.test>", b"DATA", b"bare\nnewline\r\n.", b"QUIT")
    await relay.settled()
    assert records(relay) == [(550, TOLD)]


async def test_each_transaction_is_told_its_own(relay: Relay) -> None:
    client = await begun(relay)
    await client.say(b"RSET", b"MAIL FROM:<a@client.test>", b"RCPT TO:<info@home.test>", b"QUIT")
    await relay.settled()
    assert records(relay) == [(554, TOLD), (250, [])]


@pytest.mark.parametrize("fault", ["raises", "hangs"])
async def test_a_fault_of_the_check_holds_nothing_up(
    tmp_path: Path, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def hang(addresses: object) -> RecipientsReport:
        await asyncio.sleep(3600)
        raise AssertionError

    def fail(addresses: object) -> RecipientsReport:
        raise ZeroDivisionError

    faults: dict[str, Callable[[object], object]] = {"hangs": hang, "raises": fail}
    async with relaying(tmp_path, checks={"deadline": 0}) as relay:
        relay.checks.on_recipients = faults[fault]
        client = await relay.greeted()
        await client.say(b"MAIL FROM:<a@client.test>", WRONG, b"DATA")
        assert await client.say(b"hi\r\n.") == b"250 2.0.0 queued\r\n"
        client.close()
        await relay.settled()
        assert "relay.check-failed" in relay.hub.codes()


async def test_a_drain_ends_a_session_that_waits_for_dns(tmp_path: Path) -> None:
    asked = asyncio.Event()

    async def hang(addresses: object) -> RecipientsReport:
        asked.set()
        await asyncio.sleep(3600)
        raise AssertionError

    async with relaying(tmp_path) as relay:
        relay.checks.on_recipients = hang
        client = await relay.greeted()
        await client.say(b"MAIL FROM:<a@client.test>", WRONG)
        client.close()
        async with asyncio.timeout(5):
            await asked.wait()
            await relay.listener.drain(0)
        assert [type(e) for e in relay.hub.events[-2:]] == [ev.Ended, ev.Closed]
