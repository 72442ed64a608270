"""A plain connection's transport: who reads slowly, breaks off, or closes one side only."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes import relaying

from monitor.relay import listener
from monitor.relay.plain import HIGH, LARGE, Plain

MUCH = bytes(range(256)) * 40_000  # octets: more than two sockets' buffers take


class Kept(asyncio.Protocol):
    """Keeps what it was told."""

    def __init__(self) -> None:
        self.said: list[Any] = []
        self.news = asyncio.Event()

    def _tell(self, what: Any) -> None:
        self.said.append(what)
        self.news.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None: ...

    def data_received(self, data: bytes) -> None:
        self._tell(data)

    def eof_received(self) -> bool:
        self._tell("end")
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        self._tell(("lost", type(exc)))

    def pause_writing(self) -> None:
        self._tell("pause")

    def resume_writing(self) -> None:
        self._tell("resume")

    async def tells(self, what: Any) -> None:
        """Wait until ``what`` is told."""
        async with asyncio.timeout(5):
            while what not in self.said:
                self.news.clear()
                await self.news.wait()


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        far = socket.create_connection(server.getsockname())
        near, _ = server.accept()
    for sock in (near, far):
        sock.setblocking(False)
    with near, far:
        yield near, far


Ends = tuple[socket.socket, socket.socket]


def plain(sock: socket.socket) -> tuple[Plain, Kept]:
    kept = Kept()
    return Plain(asyncio.get_running_loop(), sock, kept, {}), kept


async def everything(sock: socket.socket) -> bytes:
    read = bytearray()
    async with asyncio.timeout(5):
        while piece := await asyncio.get_running_loop().sock_recv(sock, 1 << 20):
            read += piece
    return bytes(read)


async def test_who_reads_slowly_gets_all_of_it_in_order_before_the_end(ends: Ends) -> None:
    transport, kept = plain(ends[0])
    transport.write(MUCH)
    transport.write(b"the end")
    assert kept.said == ["pause"]
    assert transport.get_write_buffer_size() > HIGH
    transport.close()
    transport.write(b"too late")
    assert await everything(ends[1]) == MUCH + b"the end"
    await kept.tells(("lost", type(None)))


async def test_writing_goes_on_when_enough_is_taken(ends: Ends) -> None:
    transport, kept = plain(ends[0])
    transport.write(MUCH)
    reading = asyncio.create_task(everything(ends[1]))
    await kept.tells("resume")
    assert kept.said == ["pause", "resume"]
    transport.close()
    assert await reading == MUCH


def come(sock: socket.socket) -> bytes:
    try:
        return sock.recv(1 << 20)
    except BlockingIOError:
        return b""


async def test_what_is_written_in_a_turn_goes_out_at_its_end(ends: Ends) -> None:
    transport, _ = plain(ends[0])
    for piece in (b"one ", b"after ", b"the other"):
        transport.write(piece)
    assert come(ends[1]) == b""
    await asyncio.sleep(0)
    assert come(ends[1]) == b"one after the other"
    assert transport.get_write_buffer_size() == 0


async def test_what_is_large_does_not_wait_unless_something_is_before_it(ends: Ends) -> None:
    transport, _ = plain(ends[0])
    transport.write(b"x" * LARGE)
    assert come(ends[1]) == b"x" * LARGE
    transport.write(b"first ")
    transport.write(b"x" * LARGE)
    assert come(ends[1]) == b""
    await asyncio.sleep(0)
    assert come(ends[1]) == b"first " + b"x" * LARGE


async def test_a_close_sends_what_waits(ends: Ends) -> None:
    transport, kept = plain(ends[0])
    transport.write(b"the last")
    transport.close()
    assert kept.said == [("lost", type(None))]
    assert await everything(ends[1]) == b"the last"


async def test_one_that_fails_keeps_no_other_from_sending(
    ends: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, told: faults.append(told))
    first, _ = plain(ends[0])
    second, _ = plain(ends[1])
    monkeypatch.setattr(first, "push", lambda: 1 / 0)
    first.write(b"x")
    second.write(b"y")
    await asyncio.sleep(0)
    assert come(ends[0]) == b"y"
    assert isinstance(faults[0]["exception"], ZeroDivisionError)


async def test_an_abort_sends_nothing_more_and_is_told_once(ends: Ends) -> None:
    transport, kept = plain(ends[0])
    transport.write(MUCH)
    transport.abort()
    transport.abort()
    transport.close()
    assert kept.said == ["pause", ("lost", type(None))]
    assert len(await everything(ends[1])) < len(MUCH)


async def test_who_closes_his_side_still_reads(ends: Ends) -> None:
    transport, kept = plain(ends[0])
    ends[1].send(b"QUIT\r\n")
    ends[1].shutdown(socket.SHUT_WR)
    await kept.tells("end")
    transport.write(b"221 bye\r\n")
    transport.close()
    assert b"".join(x for x in kept.said if isinstance(x, bytes)) == b"QUIT\r\n"
    assert await everything(ends[1]) == b"221 bye\r\n"


async def test_a_reset_is_told_and_frees_the_descriptor(ends: Ends) -> None:
    transport, kept = plain(ends[0])
    ends[1].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    ends[1].close()
    await kept.tells(("lost", ConnectionResetError))
    assert (transport.is_closing(), ends[0].fileno()) == (True, -1)


async def test_one_that_ended_leaves_the_next_with_its_number_alone(ends: Ends) -> None:
    """The number of a closed descriptor is given out again."""
    loop = asyncio.get_running_loop()
    transport, _ = plain(ends[0])
    number = ends[0].fileno()
    transport.write(MUCH)
    transport.abort()
    with socket.socket() as other:
        assert other.fileno() == number
        loop.add_reader(other, print)
        for call in (transport.pause_reading, transport.resume_reading, transport.close):
            call()
        transport.write(b"x")
        assert loop.remove_reader(other)
        assert not loop.remove_writer(other)


async def test_reading_pauses(ends: Ends) -> None:
    transport, kept = plain(ends[0])
    transport.pause_reading()
    ends[1].send(b"x")
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert kept.said == []
    transport.resume_reading()
    await kept.tells(b"x")


async def test_a_socket_given_away_has_sent_what_was_written(ends: Ends) -> None:
    transport, kept = plain(ends[0])
    transport.write(MUCH)
    reading = asyncio.create_task(everything(ends[1]))
    (await transport.detach()).close()
    assert await reading == MUCH
    assert kept.said == ["pause"]


async def test_one_that_ended_has_no_socket_to_give_away(ends: Ends) -> None:
    transport, _ = plain(ends[0])
    transport.abort()
    with pytest.raises(ConnectionResetError):
        await transport.detach()


async def test_without_descriptors_the_queue_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The loop must not spin on a socket that it cannot accept from."""
    monkeypatch.setattr(listener, "ACCEPT_AGAIN", 0.01)
    real, tries = socket.socket.accept, []

    def accept(sock: socket.socket) -> Any:
        if sock.getsockname() == relay.listener.addresses[0]:
            tries.append(sock)
            if len(tries) <= 3:
                raise OSError(errno.EMFILE, "Too many open files")
        return real(sock)

    async with relaying(tmp_path) as relay:
        monkeypatch.setattr(socket.socket, "accept", accept)
        with caplog.at_level(logging.ERROR):
            client = await relay.greeted()
        client.close()
        assert len(tries) == 4
        assert caplog.text.count("Too many open files") == 1, "told once while it lasts"
