"""An upstream that keeps account of what it takes, and fails as its mood tells it to."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
from collections.abc import Callable
from typing import Any

from ledger import Ledger

PHASES = ("banner", "ehlo", "mail", "rcpt", "data", "dot", "quit")
FAULTS = ("refuse", "hang", "close", "reset", "garbage", "two", "endless", "slow")
EHLO = (
    b"250-mta.test",
    b"250-PIPELINING",
    b"250-8BITMIME",
    b"250-XCLIENT ADDR REVERSE_NAME",
    b"250 SIZE 30000000",
)
Mood = Callable[[str], str]  # the phase; a fault, or "" for none


def well(_: str) -> str:
    """Nothing is wrong."""
    return ""


class Broken(Exception):
    """This session is over."""


class Mta:
    """Takes mail on a port of loopback. Change ``mood`` at any time."""

    def __init__(self, ledger: Ledger, chance: random.Random) -> None:
        self.ledger = ledger
        self.mood: Mood = well
        self._chance = chance
        self._tasks: set[asyncio.Task[Any]] = set()
        self._server: asyncio.Server | None = None
        self.port = 0

    async def start(self) -> None:
        """Listen; again on the same port after a stop."""
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", self.port, limit=2**22, backlog=1000
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close the port, and all that is open."""
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            with contextlib.suppress(OSError, Broken, asyncio.IncompleteReadError, ValueError):
                await self._talk(reader, writer)
        except asyncio.CancelledError:
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._say(writer, "banner", b"220 mta.test ESMTP")
        sender, rcpts = "", []
        while line := await reader.readline():
            verb, _, rest = line.rstrip(b"\r\n").partition(b" ")
            address = rest.partition(b"<")[2].partition(b">")[0].decode()
            match verb.upper():
                case b"EHLO":
                    await self._say(writer, "ehlo", b"\r\n".join(EHLO))
                    sender, rcpts = "", []
                case b"XCLIENT":
                    await self._say(writer, "banner", b"220 mta.test ESMTP")
                    sender, rcpts = "", []
                case b"MAIL":
                    if await self._say(writer, "mail", b"250 2.1.0 ok"):
                        sender, rcpts = address, []
                case b"RCPT" if not sender:
                    writer.write(b"503 5.5.1 MAIL first\r\n")
                case b"RCPT":
                    if await self._say(writer, "rcpt", b"250 2.1.5 ok"):
                        rcpts.append(address)
                case b"DATA":
                    if not rcpts:
                        writer.write(b"554 5.5.1 no valid recipients\r\n")
                        continue
                    if not await self._say(writer, "data", b"354 go on"):
                        continue
                    raw = await reader.readuntil(b"\r\n.\r\n")
                    content = (b"\r\n" + raw[:-3]).replace(b"\r\n.", b"\r\n")[2:]
                    await self._end_of_data(writer, sender, tuple(rcpts), content)
                    sender, rcpts = "", []
                case b"QUIT":
                    await self._say(writer, "quit", b"221 2.0.0 bye")
                    return
                case b"RSET":
                    sender, rcpts = "", []
                    writer.write(b"250 2.0.0 ok\r\n")
                case _:
                    writer.write(b"250 2.0.0 ok\r\n")

    async def _end_of_data(
        self, writer: asyncio.StreamWriter, sender: str, rcpts: tuple[str, ...], content: bytes
    ) -> None:
        fault = self.mood("dot")
        # Whoever breaks off behind the dot may have the message (RFC 1047) or not.
        if fault in ("", "slow") or (fault != "refuse" and self._chance.random() < 0.5):
            self.ledger.arrived(sender, rcpts, content)
        await self._reply(writer, fault, b"250 2.0.0 queued")

    async def _say(self, writer: asyncio.StreamWriter, phase: str, reply: bytes) -> bool:
        """Say ``reply``, or what the mood makes of it; False for a refusal."""
        fault = self.mood(phase)
        await self._reply(writer, fault, reply)
        return fault != "refuse"

    async def _reply(self, writer: asyncio.StreamWriter, fault: str, reply: bytes) -> None:
        match fault:
            case "":
                writer.write(reply + b"\r\n")
            case "refuse":
                writer.write(b"451 4.3.0 not now\r\n")
            case "hang":
                await asyncio.sleep(3600)
            case "close":
                raise Broken
            case "reset":
                writer.transport.abort()
                raise Broken
            case "garbage":
                writer.write(self._chance.randbytes(200) + b"\r\n" + reply + b"\r\n")
            case "two":
                writer.write(reply + b"\r\n" + reply + b"\r\n")
            case "endless":
                writer.write(reply.partition(b" ")[0] + b"-x\r\n")
                writer.write((reply[:3] + b"-" + b"x" * 60 + b"\r\n") * 20_000)
            case "slow":
                for octet in reply + b"\r\n":
                    writer.write(bytes((octet,)))
                    await writer.drain()  # which tells that it is closed
                    await asyncio.sleep(0.002)
        await writer.drain()


def moody(chance: random.Random, rate: float, faults: tuple[str, ...] = FAULTS) -> Mood:
    """At every ``phase`` a fault of any kind with a probability of ``rate``."""
    return lambda phase: chance.choice(faults) if chance.random() < rate else ""


def in_turn(every: int = 4) -> Mood:
    """Every kind of fault at every phase: of its replies each ``every``-th goes wrong."""
    turns = {phase: itertools.count() for phase in PHASES}

    def mood(phase: str) -> str:
        turn, well = divmod(next(turns[phase]), every)
        return "" if well else FAULTS[turn % len(FAULTS)]

    return mood
