"""A spool that cannot grow: the client hears 452, and nothing is left behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes import relaying

from monitor import events as ev
from monitor.policy.ruling import PASS, Ruling, Stage
from monitor.relay.spool import Spool, SpooledMessage, SpoolFull


class Keeping(Spool):
    """Lets a test at the last message."""

    def message(self) -> SpooledMessage:
        message = super().message()
        self.last = message
        return message


MAIL, RCPT = b"MAIL FROM:<a@client.test>", b"RCPT TO:<b@home.test>"


@contextlib.contextmanager
def files_up_to(size: int) -> Iterator[None]:
    """No file of this process can grow beyond ``size`` bytes, as if the disk were full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def fill(message: SpooledMessage, piece: int) -> int:
    """Write until there is no more room; the bytes that were taken."""
    written = 0
    with contextlib.suppress(SpoolFull):
        while True:
            message.write(b"x" * piece)
            written += piece
    return written


@pytest.mark.parametrize("room", [0, 1_000, 70_000])
@pytest.mark.parametrize("piece", [100, 65_536])
def test_a_full_disk_is_told_with_the_piece_that_it_did_not_take(
    tmp_path: Path, room: int, piece: int
) -> None:
    spool = Spool(10_000_000, 1_000, tmp_path)
    message = spool.message()
    descriptors = len(os.listdir("/proc/self/fd"))
    with files_up_to(room):
        assert fill(message, piece) <= max(room, 1_000)
    message.close()
    assert spool.used == 0
    assert len(os.listdir("/proc/self/fd")) == descriptors
    assert list(tmp_path.iterdir()) == []


def test_a_message_in_many_small_pieces_is_a_few_large_ones(tmp_path: Path) -> None:
    """Or else each octet that comes alone would take forty."""
    message = Spool(10_000_000, 1_000_000, tmp_path).message()
    octets = bytes(range(256)) * 1_000
    for start in range(0, len(octets), 100):
        message.write(octets[start : start + 100])
    pieces = list(message.pieces())
    assert b"".join(pieces) == octets
    assert len(pieces) <= len(octets) // 65_536 + 1
    message.close()
    assert list(message.pieces()) == []


def test_a_folder_that_is_gone(tmp_path: Path) -> None:
    message = Spool(10_000_000, 10, tmp_path / "nowhere").message()
    message.write(b"x" * 10)
    with pytest.raises(SpoolFull):
        message.write(b"x")
    message.close()


@pytest.mark.parametrize("kept", [0, 902, 1_804, 100_000])
async def test_half_a_message_does_not_pass_for_a_whole_one(tmp_path: Path, kept: int) -> None:
    """What the file lost is not missed by its last line: every line ends as it should."""
    line = b"y" * 900 + b"\r\n"
    async with relaying(tmp_path, limits={"spool_memory": 100}) as relay:

        def loses(stage: Stage) -> Ruling:
            if stage.phase == "eod":
                os.ftruncate(spool.last._file.fileno(), kept)
            return PASS

        relay.hub.ruler = loses
        relay.context.spool = spool = Keeping(10_000_000, 100, tmp_path)
        client = await relay.greeted()
        await client.say(MAIL, RCPT, b"DATA")
        assert (await client.say(line * 200 + b".")).startswith(b"451 ")
        assert relay.upstream.messages == []
        assert relay.hub.of(ev.Ended)[0].state == "none"
        assert spool.used == 0


async def test_who_finds_no_room_makes_room_for_the_others(tmp_path: Path) -> None:
    """Or else all would be half in, and none would ever be whole."""
    async with relaying(tmp_path, limits={"spool_total": 1_000}) as relay:
        one, other = await relay.greeted(), await relay.greeted()
        for client in (one, other):
            await client.say(MAIL, RCPT, b"DATA")
            client.writer.write(b"x" * 600 + b"\r\n")
        async with asyncio.timeout(5):
            while not 0 < relay.context.spool.used <= 602:
                await asyncio.sleep(0)
            while "relay.limit" not in relay.hub.codes():
                await asyncio.sleep(0)
        answers = [await client.say(b"y" * 300 + b"\r\n.") for client in (one, other)]
        assert sorted(answer[:3] for answer in answers) == [b"250", b"452"]


async def test_a_full_disk_is_452_and_over_when_it_is_over(tmp_path: Path) -> None:
    content = b"Subject: x\r\n\r\n" + b"y" * 900 + b"\r\n" + b"y" * 900 + b"\r\n."
    async with relaying(tmp_path, limits={"spool_memory": 100}) as relay:
        client = await relay.greeted()
        with files_up_to(1_000):
            await client.say(MAIL, RCPT, b"DATA")
            assert (await client.say(content)).startswith(b"452 4.3.1 mxtap: ")
            # What fits is carried all the same.
            await client.say(MAIL, RCPT, b"DATA")
            assert (await client.say(b"Subject: small\r\n\r\n.")).startswith(b"250")
        await client.say(MAIL, RCPT, b"DATA")
        assert (await client.say(content)).startswith(b"250")
        assert len(relay.upstream.messages) == 2
        assert relay.context.spool.used == 0
        assert relay.hub.of(ev.Ended)[0].verdict.code == 452
