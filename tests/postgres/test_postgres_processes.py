"""Two relays as their operators run them, one database, and mail all the while."""

from __future__ import annotations

import asyncio
import contextlib
import json
import smtplib
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fakes import Upstream
from harness_net import wait_until
from harness_postgres import Postgres
from harness_relay import Relay

from monitor.control.client import SocketFeed
from monitor.control.protocol import RecordUpdate

MESSAGE = "From: a@client.test\r\nSubject: x\r\n\r\nhello\r\n"
ZONE = 'client.test. 300 IN TXT "v=spf1 ip4:127.0.0.0/8 -all"\n'


@contextlib.asynccontextmanager
async def relays(
    folder: Path, url: str, upstream: int, *options: str
) -> AsyncIterator[tuple[Relay, Relay]]:
    """mx1 and mx2 in front of one upstream."""
    zone = folder / "zone"
    zone.write_text(ZONE)
    pair = [
        Relay(folder / name, upstream, "--dns-zone", str(zone), "--identity", "none",
              "--set", f"name={name}.home.test", "--set", f"database={url}", *options)
        for name in ("mx1", "mx2")
    ]  # fmt: skip
    try:
        await asyncio.gather(*(asyncio.to_thread(relay.start) for relay in pair))
        yield pair[0], pair[1]
    finally:
        for relay in pair:
            relay.kill()


def send(relay: Relay, source: str = "127.0.0.1") -> int:
    """One message; the code of the last reply."""
    try:
        with smtplib.SMTP("127.0.0.1", relay.port, "mail.client.test", 15, (source, 0)) as client:
            client.sendmail("a@client.test", "b@home.test", MESSAGE)
    except smtplib.SMTPRecipientsRefused as refused:
        return next(iter(refused.recipients.values()))[0]
    except smtplib.SMTPResponseException as refused:
        return refused.smtp_code
    return 250


@pytest.fixture
async def upstream() -> AsyncIterator[tuple[Upstream, int]]:
    made = Upstream()
    port = await made.start()
    yield made, port
    await made.stop()


async def test_relays_are_one_to_senders_and_operators(
    tmp_path: Path, url: str, upstream: tuple[Upstream, int]
) -> None:
    mta, port = upstream
    greylisting = ("--set", "greylist.mode=enforce", "--set", "greylist.delay=1")
    async with relays(tmp_path, url, port, *greylisting) as (one, two):
        accepted = 0

        def sent(relay: Relay, source: str) -> int:
            nonlocal accepted
            code = send(relay, source)
            accepted += code == 250
            return code

        def tour() -> None:
            assert "hush" not in one.errors() + two.errors()
            # Greylisted at one, let in by the other.
            assert sent(one, "127.0.0.1") == 451
            time.sleep(1.2)
            assert sent(two, "127.0.0.2") == 250
            # A ban at one holds at the other within a second, and its end too.
            banned = one.run("ban", "ip", "127.0.0.3", "--json")
            entry = json.loads(banned.stdout)
            assert entry["id"] > 0
            wait_until(lambda: sent(two, "127.0.0.3") == 554, 1)
            assert two.run("unlist", str(entry["id"])).returncode == 0
            wait_until(lambda: sent(one, "127.0.0.3") == 250, 1)
            # History of both at either, and of one.
            told = one.run("events", "--filter", "finding:greylist.passed relay:mx2")
            assert json.loads(told.stdout)["relay"] == "mx2.home.test"

        await asyncio.to_thread(tour)
        assert len(mta.messages) == accepted >= 2
        # Who watches one of them sees what comes to the other.
        feed = SocketFeed(one.state)
        await feed.start()
        assert await asyncio.to_thread(send, two) == 250
        async with asyncio.timeout(3):
            async for update in feed.updates():
                if isinstance(update, RecordUpdate):
                    break
        assert update.record.relay == "mx2.home.test"
        await feed.close()


async def test_mail_flows_while_the_database_comes_and_goes(
    tmp_path: Path, url: str, postgres: Postgres, database: str, upstream: tuple[Upstream, int]
) -> None:
    mta, port = upstream
    async with relays(tmp_path, url, port) as (one, two):

        def traffic(seconds: float) -> float:
            """Send through both; the longest that a message took."""
            longest, end = 0.0, time.monotonic() + seconds
            while time.monotonic() < end:
                for relay in (one, two):
                    started = time.monotonic()
                    assert send(relay) == 250
                    longest = max(longest, time.monotonic() - started)
            return longest

        def storm() -> None:
            slowest = [traffic(0.3)]
            with postgres.hung(database):
                slowest.append(traffic(0.5))
            postgres.stop()
            try:
                slowest.append(traffic(0.5))
                assert two.run("ban", "ip", "127.0.0.9").returncode == 0
                assert send(two, "127.0.0.9") == 554
            finally:
                postgres.start()
            slowest.append(traffic(0.5))
            assert max(slowest) < 3, slowest
            wait_until(lambda: send(one, "127.0.0.9") == 554, 10)
            with postgres.connect(database) as looking:
                query = "SELECT count(*) FROM transactions WHERE code = 250"
                wait_until(lambda: looking.execute(query).fetchone() == (len(mta.messages),), 10)

        await asyncio.to_thread(storm)
        assert {one.stop(), two.stop()} == {0}
