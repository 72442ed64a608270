"""A name server on loopback, in every mood that a name server can be in."""

from __future__ import annotations

import asyncio
import random
import struct
from typing import Any

MOODS = ("well", "dead", "slow", "failing", "lying", "garbage", "huge")


class NameServer:
    """Answers over UDP and TCP, as its ``mood`` is."""

    def __init__(self, chance: random.Random) -> None:
        self.mood = "well"
        self.asked = 0
        self._chance = chance

    async def start(self) -> None:
        """Listen on one port for both."""
        loop = asyncio.get_running_loop()
        self._server = await asyncio.start_server(self._stream, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        self._udp, _ = await loop.create_datagram_endpoint(
            lambda: _Datagrams(self), local_addr=("127.0.0.1", self.port)
        )

    async def stop(self) -> None:
        """Close both."""
        self._udp.close()
        self._server.close()

    async def answer(self, query: bytes, *, stream: bool) -> list[bytes]:
        """The datagrams, or the messages of a stream, that answer ``query``."""
        self.asked += 1
        header, question = query[:2], _question(query)
        match self.mood:
            case "dead":
                return []
            case "slow":
                await asyncio.sleep(self._chance.uniform(0.1, 0.8))
            case "failing":
                return [header + b"\x80\x02" + _counts(0) + question]
            case "garbage":
                return [header + self._chance.randbytes(self._chance.randrange(400))]
            case "lying":
                other = b"\x03bad\x04test\0" + question[-4:]
                wrong = bytes((header[0] ^ 1, header[1]))
                forged = b"\x81\x80" + _counts(1) + question + _record(b"\xff" * 4)
                return [
                    wrong + forged,  # for another question
                    header + b"\x81\x80" + _counts(1) + other + _record(b"\x7f\0\0\1"),
                    header + b"\x81\x80" + _counts(1) + question + b"\xc0\xff\0\x10\0\1",  # cut
                    header + forged,  # rubbish for every type
                ]
            case "huge":
                if not stream:
                    return [header + b"\x83\x80" + _counts(0) + question]
                text = b"\xff" + b"x" * 255
                return [header + b"\x81\x80" + _counts(200) + question + _record(text) * 200]
        return [header + b"\x81\x83" + _counts(0) + question]  # NXDOMAIN

    async def _stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            size = struct.unpack("!H", await reader.readexactly(2))[0]
            for said in await self.answer(await reader.readexactly(size), stream=True):
                writer.write(struct.pack("!H", len(said)) + said)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, server: NameServer) -> None:
        self._server = server
        self._tasks: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        task = asyncio.create_task(self._answer(data, address))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, data: bytes, address: tuple[str, int]) -> None:
        for said in await self._server.answer(data, stream=False):
            self._transport.sendto(said, address)


def _question(query: bytes) -> bytes:
    end = query.index(b"\0", 12) + 5
    return query[12:end]


def _counts(answers: int) -> bytes:
    return struct.pack("!HHHH", 1, answers, 0, 0)


def _record(data: bytes) -> bytes:
    """A TXT record of the name that was asked for, which compression points to."""
    return b"\xc0\x0c\0\x10\0\x01\0\0\0\x01" + struct.pack("!H", len(data)) + data
