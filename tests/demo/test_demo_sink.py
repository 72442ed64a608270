"""The sink MTA, spoken to as the relay does."""

from __future__ import annotations

import pytest

from monitor.demo import home
from monitor.demo.client import Client
from monitor.demo.sink import ERRORS, Sink


@pytest.fixture
async def client(sink: Sink) -> Client:
    client = await Client.connect(await sink.start(), "")
    assert (await client.reply()).code == 220
    return client


async def test_it_offers_what_a_relay_wants_to_pass_on(client: Client) -> None:
    await client.ehlo("relay.example")
    assert client.keywords >= {
        "PIPELINING", "8BITMIME", "SMTPUTF8", "SIZE", "DSN", "ENHANCEDSTATUSCODES", "XCLIENT",
    }  # fmt: skip


async def test_identity_comes_by_xclient(client: Client, ledger) -> None:
    await client.ehlo("relay.example")
    said = "XCLIENT NAME=[UNAVAILABLE] ADDR=127.0.10.1 PORT=4711 HELO=a+2Db.example PROTO=ESMTP"
    assert (await client.say(said)).code == 220
    await client.ehlo("a-b.example")
    await client.pipeline("MAIL FROM:<a@b.example>", f"RCPT TO:<{home.INFO}>")
    assert ledger.asked[0][0] == home.Peer("127.0.10.1", "a-b.example")


async def test_recipients_are_judged_one_by_one(client: Client) -> None:
    await client.ehlo("relay.example")
    replies = await client.pipeline(
        "MAIL FROM:<a@b.example> SIZE=100 BODY=8BITMIME RET=HDRS",
        f"RCPT TO:<{home.INFO}> NOTIFY=NEVER",
        f"RCPT TO:<nobody@{home.DOMAIN}>",
        "RCPT TO:<a@elsewhere.example>",
        f"RCPT TO:<{home.ORDERS}>",
        "RCPT TO:<>",
    )
    assert [reply.code for reply in replies] == [250, 250, 550, 454, 450, 501]
    assert replies[2].lines[0].startswith("5.1.1")
    assert "Greylisted" in replies[4].lines[0]


async def test_data_needs_a_recipient(client: Client, sink: Sink) -> None:
    await client.ehlo("relay.example")
    replies = await client.pipeline("DATA", "MAIL FROM:<>", "DATA", "RSET", "DATA")
    assert [reply.code for reply in replies] == [554, 250, 554, 250, 554]
    assert sink.accepted == 0


async def test_content_ends_at_the_lone_dot_only(client: Client, sink: Sink) -> None:
    await client.ehlo("relay.example")
    await client.pipeline("MAIL FROM:<>", f"RCPT TO:<{home.INFO}>", "DATA")
    assert (await client.content(b".\r\n.QUIT\r\n\r\n")).code == 250
    assert sink.accepted == 1
    assert (await client.say("NOOP")).code == 250


async def test_a_message_announced_too_big_is_refused(client: Client) -> None:
    await client.ehlo("relay.example")
    assert (await client.say("MAIL FROM:<> SIZE=99999999999999")).code == 552


async def test_too_many_errors_end_the_session(client: Client) -> None:
    replies = await client.pipeline(*["BOGUS"] * ERRORS)
    assert {reply.code for reply in replies} == {502}
    assert (await client.reply()).code == 421
    with pytest.raises(EOFError):
        await client.reply()


def test_the_greylist_is_by_single_address() -> None:
    greylist = home.Greylist(delay=300)
    triplet = ("127.0.82.1", "a@b.example", home.ORDERS)
    assert greylist.left(*triplet, now=0) == 300
    assert greylist.left(*triplet, now=100) == 200
    assert greylist.left("127.0.83.1", *triplet[1:], now=100) == 300
    assert greylist.left(*triplet, now=300) == 0


def test_the_greylist_is_bounded() -> None:
    greylist = home.Greylist(delay=300, size=2)
    for n in range(3):
        greylist.left("127.0.0.1", f"{n}@b.example", home.ORDERS, now=n)
    assert greylist.left("127.0.0.1", "0@b.example", home.ORDERS, now=400) == 300
    assert greylist.left("127.0.0.1", "2@b.example", home.ORDERS, now=400) == 0
