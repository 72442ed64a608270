"""Reading a source and hashing it: the same inline, in the thread and over any pieces."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from monitor.checks import body as body_module
from monitor.checks.body import INLINE, BodyHashes, head
from monitor.findings.dkim.body import Hasher, Want, digests
from monitor.findings.message import MAX_HEADER

WANTS = [Want("simple"), Want("relaxed"), Want("relaxed", 100)]


class Pieces:
    def __init__(self, data: bytes, piece: int = 65_536) -> None:
        self.data, self.piece, self.size = data, piece, len(data)
        self.readers: set[int] = set()
        self.read = 0

    def pieces(self) -> Iterator[bytes]:
        for start in range(0, self.size, self.piece):
            self.readers.add(threading.get_ident())
            self.read += 1
            yield self.data[start : start + self.piece]


@pytest.fixture
def hashes() -> Iterator[BodyHashes]:
    found = BodyHashes()
    yield found
    found.close()


HEADER = b"From: a@b.test\r\nSubject: x\r\n\r\n"


@pytest.mark.parametrize("piece", [1, 7, 30, 65_536])
def test_head_ends_at_the_empty_line(piece: int) -> None:
    assert head(Pieces(HEADER + b"body\r\n\r\n", piece)) == (HEADER, len(HEADER))


def test_head_without_an_end_is_bounded() -> None:
    header, offset = head(Pieces(b"X: " + b"y" * 4 * MAX_HEADER))
    assert offset == -1
    assert len(header) <= MAX_HEADER + 65_536
    assert head(Pieces(b"From: a@b\r\n")) == (b"From: a@b\r\n", -1)


@pytest.mark.parametrize("size", [0, 10, INLINE, INLINE + 1, 3_000_000])
async def test_hashes_are_the_same_wherever_they_are_made(hashes: BodyHashes, size: int) -> None:
    body = (b"some  words \t of text\r\n\r\n" * (size // 24 + 1))[:size]
    source = Pieces(HEADER + body)
    found = await hashes.digests(source, len(HEADER), WANTS)
    assert found == digests([body], WANTS)
    assert source.readers <= {threading.get_ident()}, "a source is read in the loop's thread only"


async def test_nothing_is_read_for_nothing(hashes: BodyHashes) -> None:
    source = Pieces(HEADER)
    assert await hashes.digests(source, len(HEADER), []) == {}
    assert not source.readers


async def test_large_bodies_are_hashed_beside_the_loop(
    hashes: BodyHashes, monkeypatch: pytest.MonkeyPatch
) -> None:
    workers: list[int] = []

    class Watched(Hasher):
        def add(self, piece: bytes) -> None:
            workers.append(threading.get_ident())
            super().add(piece)

    monkeypatch.setattr(body_module, "Hasher", Watched)
    await hashes.digests(Pieces(HEADER + b"x" * INLINE), len(HEADER), WANTS)
    assert set(workers) == {threading.get_ident()}
    workers.clear()
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    other = asyncio.ensure_future(count())
    await hashes.digests(Pieces(HEADER + b"x" * 4_000_000), len(HEADER), WANTS)
    other.cancel()
    assert threading.get_ident() not in workers
    assert turns > 4_000_000 // 65_536 // body_module.BATCH


async def test_a_check_that_is_given_up_reads_no_further(hashes: BodyHashes) -> None:
    source = Pieces(HEADER + b"x" * 4_000_000)
    task = asyncio.ensure_future(hashes.digests(source, len(HEADER), WANTS))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(0)
    assert source.read <= body_module.BATCH
