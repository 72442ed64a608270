"""An SMTP client for senders of every manner: polite by its methods, rude by its bytes."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from typing import NamedTuple

TIMEOUT = 60.0  # seconds for one reply


class Reply(NamedTuple):
    """A reply (RFC 5321 4.2), its lines without the code."""

    code: int
    lines: tuple[str, ...]

    @property
    def good(self) -> bool:
        """2xx."""
        return 200 <= self.code < 300

    @property
    def transient(self) -> bool:
        """4xx: try again later."""
        return 400 <= self.code < 500


class Client:
    """One connection. All calls may raise OSError (ssl.SSLError is one) or EOFError."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.keywords: frozenset[str] = frozenset()  # of the last EHLO reply

    @classmethod
    async def connect(cls, server: tuple[str, int], source: str) -> Client:
        """Connect from ``source``, an address in 127.0.0.0/8, "" for any."""
        local = (source, 0) if source else None
        return cls(*await asyncio.open_connection(*server, local_addr=local))

    async def reply(self) -> Reply:
        """Read the next reply."""
        lines: list[str] = []
        async with asyncio.timeout(TIMEOUT):
            while True:
                raw = await self._reader.readuntil(b"\n")
                line = raw.decode("utf-8", "replace").rstrip("\r\n")
                if not line[:3].isdigit():
                    raise ConnectionError(f"not an SMTP reply: {line!r}")
                lines.append(line[4:])
                if line[3:4] != "-":
                    return Reply(int(line[:3]), tuple(lines))

    async def write(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._writer.write(data)
        await self._writer.drain()

    async def say(self, line: str) -> Reply:
        """Send one command and read its reply."""
        await self.write(line.encode() + b"\r\n")
        return await self.reply()

    async def pipeline(self, *lines: str) -> list[Reply]:
        """Send several commands at once, then read their replies (RFC 2920)."""
        await self.write("".join(line + "\r\n" for line in lines).encode())
        return [await self.reply() for _ in lines]

    async def ehlo(self, name: str) -> Reply:
        """Say EHLO and note the keywords."""
        reply = await self.say(f"EHLO {name}")
        self.keywords = frozenset(line.upper().partition(" ")[0] for line in reply.lines[1:])
        return reply

    async def starttls(self, context: ssl.SSLContext) -> None:
        """STARTTLS and the handshake (RFC 3207)."""
        reply = await self.say("STARTTLS")
        if not reply.good:
            raise ConnectionError(f"no STARTTLS: {reply.code}")
        await self._writer.start_tls(context)

    async def content(self, message: bytes) -> Reply:
        """The message after a 354, dots stuffed (RFC 5321 4.5.2), and the final dot."""
        stuffed = message.replace(b"\r\n.", b"\r\n..")
        if stuffed.startswith(b"."):
            stuffed = b"." + stuffed
        await self.write(stuffed + b".\r\n")
        return await self.reply()

    async def quit(self) -> None:
        """Take leave as one should; replies that were not read yet are passed over."""
        with contextlib.suppress(OSError, EOFError):
            await self.write(b"QUIT\r\n")
            while (await self.reply()).code != 221:
                pass

    def close(self) -> None:
        """Drop the line."""
        self._writer.close()
