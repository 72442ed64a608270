"""Each sender's conversation, with the sink alone on the other side."""

from __future__ import annotations

import asyncio

import pytest

from monitor.demo import home
from monitor.demo.cast import CAST
from monitor.demo.cast.conduct import Oversized, Scanner, Script, Stubborn, WebClient
from monitor.demo.cast.good import Bulk, Patient
from monitor.demo.cast.reports import FullReporter
from monitor.demo.cast.retries import Carousel, Deaf, Hasty, OneShot
from monitor.demo.cast.routing import Misdirected
from monitor.demo.client import Client
from monitor.demo.sender import Sender, World
from monitor.demo.sink import Sink
from monitor.demo.troupe import play, turn

ANSWERS: dict[type[Sender], list[int]] = {
    Bulk: [250, 250, 250],
    Carousel: [450, 450, 450, 450],
    Deaf: [550, 550, 550],
    Hasty: [450] * 6,
    Misdirected: [454, 454, 250],
    OneShot: [450],
    Oversized: [],
    Patient: [450, 250],
    Scanner: [],
    Stubborn: [550],
    WebClient: [],
}


def is_patient_with(sender: type[Sender]) -> bool:
    """The sink waits for the CR that this one never sends; the relay does not."""
    return sender is not Script


@pytest.mark.parametrize(
    "sender", list(filter(is_patient_with, CAST)), ids=lambda sender: sender.__name__
)
async def test_its_recipients_are_answered_as_it_deserves(
    sender: type[Sender], world: World, ledger, sink: Sink
) -> None:
    async with asyncio.timeout(5):
        await turn(sender(world))
    answers = [code for *_, code in ledger.asked]
    assert answers == ANSWERS.get(sender, [250])
    assert sink.accepted == (0 if sender is FullReporter else answers.count(250))


async def test_each_host_sends_from_its_own_address(world: World, ledger) -> None:
    if not world.bind:
        pytest.skip("this machine has one loopback address only")
    await turn(Carousel(world))
    assert [peer.ip for peer, *_ in ledger.asked] == list(Carousel.hosts.values())


async def test_a_good_sender_waits_as_long_as_it_should(world: World, pace) -> None:
    await turn(Patient(world))
    assert pace.now >= 30 * 60


async def test_a_sender_survives_a_relay_that_drops_the_line(world: World) -> None:
    async def drop(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(drop, "127.0.0.1", 0)
    dropping = world._replace(relay=server.sockets[0].getsockname())
    for sender in CAST:
        async with asyncio.timeout(5):
            await turn(sender(dropping))
    server.close()


async def test_surplus_replies_do_not_hold_up_quit(sink: Sink) -> None:
    client = await Client.connect(await sink.start(), "")
    await client.write(b"NOOP\r\nNOOP\r\n")
    async with asyncio.timeout(5):
        await client.quit()


async def test_a_fault_in_a_sender_is_not_hidden(world: World) -> None:
    class Faulty(Sender):
        """A programming error."""

        domain = home.DOMAIN
        hosts = Patient.hosts
        every = 0

        async def turn(self) -> None:
            raise ZeroDivisionError

    with pytest.raises(ExceptionGroup):
        await play([Faulty], world)
