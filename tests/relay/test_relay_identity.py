"""Identity goes upstream, and where it cannot, nobody is served as mxtap itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fakes import relaying
from msgspec.structs import replace

from monitor import events as ev
from monitor.checks.case import ClientReport
from monitor.relay import proxy
from monitor.relay.identity import Peer, xclient, xtext


async def test_xclient_tells_the_clients_address_and_name(tmp_path: Path) -> None:
    async with relaying(tmp_path) as relay:
        relay.upstream.keywords.append(b"XCLIENT NAME ADDR PORT")
        client = await relay.client("127.0.0.7")
        assert await client.reply() == b"220 upstream.test for you\r\n"
        line = next(x for x in relay.upstream.lines if x.startswith(b"XCLIENT"))
        assert b"ADDR=127.0.0.7" in line
        assert b"NAME=client.test" in line
        assert b"XCLIENT" not in await client.say(b"EHLO client.test")


OFFERED = ("NAME", "REVERSE_NAME", "ADDR", "PORT")
HOST = Peer("192.0.2.7", 4711, "127.0.0.1", 25)


@pytest.mark.parametrize(
    ("told", "name", "reverse"),
    [
        (
            {"name": "mx.client.test", "reverse": "mx.client.test"},
            b"mx.client.test",
            b"mx.client.test",
        ),
        ({"reverse": "a_b.client.test"}, b"[UNAVAILABLE]", b"a_b.client.test"),
        ({"reverse": "a b.client.test"}, b"[UNAVAILABLE]", b"[UNAVAILABLE]"),
        ({"reverse": "-a.client.test"}, b"[UNAVAILABLE]", b"[UNAVAILABLE]"),
        ({"reverse": "192.0.2.7"}, b"[UNAVAILABLE]", b"[UNAVAILABLE]"),
        ({"reverse": "a..test"}, b"[UNAVAILABLE]", b"[UNAVAILABLE]"),
        ({"reverse": f"{'a.' * 128}test"}, b"[UNAVAILABLE]", b"[UNAVAILABLE]"),
        ({"reverse": f"{'a' * 64}.test"}, b"[UNAVAILABLE]", b"[UNAVAILABLE]"),
        ({}, b"[UNAVAILABLE]", b"[UNAVAILABLE]"),
        ({"temporary": True}, b"[TEMPUNAVAIL]", b"[TEMPUNAVAIL]"),
    ],
)
def test_each_attribute_is_told_so_that_none_stays_of_another(
    told: dict[str, Any], name: bytes, reverse: bytes
) -> None:
    line = xclient(replace(HOST, **told), OFFERED)
    assert line == b"XCLIENT NAME=%s REVERSE_NAME=%s ADDR=192.0.2.7 PORT=4711" % (name, reverse)


async def test_a_name_that_is_not_confirmed_is_told_as_the_reverse_one(tmp_path: Path) -> None:
    async with relaying(tmp_path) as relay:
        relay.upstream.keywords.append(b"XCLIENT NAME REVERSE_NAME ADDR PORT")
        relay.checks.on_client = lambda ip: ClientReport(name="client.test", confirmed=False)
        await (await relay.client("127.0.0.7")).reply()
        line = next(x for x in relay.upstream.lines if x.startswith(b"XCLIENT"))
        assert line.startswith(b"XCLIENT NAME=[UNAVAILABLE] REVERSE_NAME=client.test ADDR=127.")


async def test_xclient_refused_serves_nobody(tmp_path: Path) -> None:
    async with relaying(tmp_path) as relay:
        relay.upstream.keywords.append(b"XCLIENT NAME ADDR PORT")
        relay.upstream.answers[b"XCLIENT"] = b"550 5.7.0 insufficient authorization\r\n"
        client = await relay.client()
        assert (await client.reply()).startswith(b"451 ")


async def test_xclient_once_seen_is_demanded(tmp_path: Path) -> None:
    async with relaying(tmp_path) as relay:
        relay.upstream.keywords.append(b"XCLIENT NAME ADDR PORT")
        await (await relay.client()).reply()
        relay.upstream.keywords.pop()
        assert (await (await relay.client()).reply()).startswith(b"451 ")


async def test_xclient_configured_and_not_offered_serves_nobody(tmp_path: Path) -> None:
    async with relaying(tmp_path, identity="xclient") as relay:
        assert (await (await relay.client()).reply()).startswith(b"451 ")


async def test_the_upstreams_refusal_of_the_client_is_passed_on(tmp_path: Path) -> None:
    async with relaying(tmp_path) as relay:
        relay.upstream.keywords.append(b"XCLIENT NAME ADDR PORT")
        relay.upstream.answers[b"XCLIENT"] = b"554 5.7.1 we know you\r\n"
        assert await (await relay.client()).reply() == b"554 5.7.1 we know you\r\n"


async def test_an_upstream_without_xclient_hears_no_name_but_the_clients(tmp_path: Path) -> None:
    async with relaying(tmp_path) as relay:
        upstream = relay.upstream
        greeted: set[int] = set()  # connections
        upstream.answers[b"EHLO"] = lambda line: greeted.add(upstream.connections)
        upstream.answers[b"MAIL"] = lambda line: (
            None if upstream.connections in greeted else b"503 5.5.1 EHLO first\r\n"
        )
        client = await relay.client()
        await client.reply()
        assert await client.say(b"MAIL FROM:<a@client.test>") == b"503 5.5.1 EHLO first\r\n"
        ok = await client.say(b"EHLO client.test", b"MAIL FROM:<a@client.test>")
        assert ok.startswith(b"250 ")


async def test_an_upstream_that_relays_for_us_serves_nobody_when_exposed(tmp_path: Path) -> None:
    async with relaying(tmp_path) as relay:
        relay.context.guard._exposed = True
        assert (await (await relay.client()).reply()).startswith(b"451 ")


async def test_proxy_header_counts_from_trusted_addresses_only(tmp_path: Path) -> None:
    header = proxy.header("192.0.2.9", 4711, "127.0.0.1", 25)
    async with relaying(tmp_path, proxy_from=["127.0.0.5"]) as relay:
        client = await relay.client("127.0.0.5")
        client.writer.write(header)
        assert (await client.reply()).startswith(b"220 ")
        opened = relay.hub.of(ev.Opened)[0]
        assert (opened.ip, opened.port, opened.proxied) == ("192.0.2.9", 4711, True)
        stranger = await relay.client("127.0.0.6")
        stranger.writer.write(header)
        await stranger.reply()
        assert relay.hub.of(ev.Opened)[1].ip == "127.0.0.6"


def test_proxy_headers_round_trip_at_every_split() -> None:
    for ip, local in (
        ("192.0.2.9", "127.0.0.1"),
        ("2001:db8::9", "::1"),
        ("2001:db8::9", "127.0.0.1"),
    ):
        header = proxy.header(ip, 4711, local, 25)
        for cut in range(len(header)):
            assert proxy.parse(bytearray(header[:cut])) is None
        buffer = bytearray(header + b"EHLO")
        assert proxy.parse(buffer) == (ip, 4711)
        assert buffer == b"EHLO"


def test_proxy_version_1() -> None:
    assert proxy.parse(bytearray(b"PROXY TCP4 192.0.2.1 127.0.0.1 99 25\r\n")) == ("192.0.2.1", 99)


def test_xtext_leaves_no_space_plus_or_control() -> None:
    assert xtext("a b+c=d\r\n") == b"a+20b+2Bc+3Dd+0D+0A"
