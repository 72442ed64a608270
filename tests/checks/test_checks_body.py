"""Reading a source and hashing it: the same in one turn or many, and over any pieces."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from monitor.checks.body import BodyHashes, head
from monitor.findings.dkim.body import Want, digests
from monitor.findings.message import MAX_HEADER

WANTS = [Want("simple"), Want("relaxed"), Want("relaxed", 100)]


class Pieces:
    def __init__(self, data: bytes, piece: int = 65_536) -> None:
        self.data, self.piece, self.size = data, piece, len(data)
        self.read = 0

    def pieces(self) -> Iterator[bytes]:
        for start in range(0, self.size, self.piece):
            self.read += 1
            yield self.data[start : start + self.piece]


HEADER = b"From: a@b.test\r\nSubject: x\r\n\r\n"


@pytest.mark.parametrize("piece", [1, 7, 30, 65_536])
def test_head_ends_at_the_empty_line(piece: int) -> None:
    assert head(Pieces(HEADER + b"body\r\n\r\n", piece)) == (HEADER, len(HEADER))


def test_head_without_an_end_is_bounded() -> None:
    header, offset = head(Pieces(b"X: " + b"y" * 4 * MAX_HEADER))
    assert offset == -1
    assert len(header) <= MAX_HEADER + 65_536
    assert head(Pieces(b"From: a@b\r\n")) == (b"From: a@b\r\n", -1)


@pytest.mark.parametrize("size", [0, 10, 65_536, 65_537, 3_000_000])
async def test_hashes_are_the_same_in_one_turn_and_in_many(size: int) -> None:
    body = (b"some  words \t of text\r\n\r\n" * (size // 24 + 1))[:size]
    found = await BodyHashes().digests(Pieces(HEADER + body), len(HEADER), WANTS)
    assert found == digests([body], WANTS)


async def test_nothing_is_read_for_nothing() -> None:
    source = Pieces(HEADER)
    assert await BodyHashes().digests(source, len(HEADER), []) == {}
    assert not source.read


async def test_large_bodies_share_the_turns_of_the_loop() -> None:
    """However many there are, others wait for one piece and no more."""
    sources = [Pieces(HEADER + b"x" * 655_360) for _ in range(5)]
    hashes, read, most = BodyHashes(), 0, 0
    every = asyncio.gather(*(hashes.digests(each, len(HEADER), WANTS) for each in sources))
    await asyncio.sleep(0)  # each has begun
    while not every.done():
        before, read = read, sum(each.read for each in sources)
        most = max(most, read - before if before else 0)
        await asyncio.sleep(0)
    assert (read, most) == (5 * 11, 1)


async def test_a_check_that_is_given_up_reads_no_further() -> None:
    hashes, source = BodyHashes(), Pieces(HEADER + b"x" * 4_000_000)
    task = asyncio.ensure_future(hashes.digests(source, len(HEADER), WANTS))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(0)
    assert source.read == 2
    assert await hashes.digests(Pieces(HEADER), len(HEADER), WANTS) == digests([], WANTS)
