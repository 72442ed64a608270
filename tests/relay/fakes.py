"""An upstream that does as it is told, and a relay in front of it, both on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

from monitor import events as ev
from monitor.checks.case import (
    ClientReport,
    Envelope,
    MessageReport,
    RecipientsReport,
    SenderReport,
    Source,
)
from monitor.config import Settings, load
from monitor.policy.ruling import PASS, Ruling, Stage
from monitor.relay.certificate import Certificate
from monitor.relay.context import Context
from monitor.relay.identity import Guard
from monitor.relay.journal import Journal
from monitor.relay.listener import Listener
from monitor.relay.spool import Spool
from monitor.relay.tls import suite_names


class Upstream:
    """A scripted MTA. ``answers`` maps a verb to a reply, or to a function of the line."""

    def __init__(self) -> None:
        self.banner = b"220 upstream.test ESMTP\r\n"
        self.keywords = [b"PIPELINING", b"SIZE 1000000", b"8BITMIME", b"DSN", b"CHUNKING"]
        self.answers: dict[bytes, Any] = {}
        self.lines: list[bytes] = []
        self.messages: list[bytes] = []
        self.dot: Any = b"250 2.0.0 queued\r\n"
        self.hang_up = False  # close behind the next reply
        self.tls: ssl.SSLContext | None = None  # after its 220 to STARTTLS
        self.chatty = b""  # said unasked, as soon as content comes
        self.connections = 0
        self.writers: list[asyncio.StreamWriter] = []
        self._tasks: set[asyncio.Task[Any]] = set()

    async def start(self) -> int:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=2**24)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        self.connections += 1
        self.writers.append(writer)
        with contextlib.suppress(ConnectionError, EOFError, asyncio.CancelledError):
            await self._talk(reader, writer)
        writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(self.banner)
        if self._ends():
            return
        while line := await reader.readline():
            line = line.rstrip(b"\r\n")
            self.lines.append(line)
            verb = line.split(b" ")[0].upper()
            answer = self.answers.get(verb)
            if callable(answer):
                answer = answer(line)
            if asyncio.iscoroutine(answer):
                answer = await answer
            if answer is None:
                answer = self._usual(verb)
            if answer == b"":
                return
            writer.write(answer)
            if self._ends():
                return
            if verb == b"STARTTLS" and self.tls and answer.startswith(b"220"):
                await writer.start_tls(self.tls)
            if verb == b"DATA" and answer.startswith(b"354"):
                if self.chatty:
                    await reader.read(1)
                    writer.write(self.chatty)
                content = await reader.readuntil(b"\r\n.\r\n")
                self.messages.append(content[:-3])
                dot = self.dot() if callable(self.dot) else self.dot
                if asyncio.iscoroutine(dot):
                    dot = await dot
                if dot == b"":
                    return
                writer.write(dot)
                if self._ends():
                    return
            if verb == b"QUIT" and answer.startswith(b"221"):
                await writer.drain()
                return

    def _ends(self) -> bool:
        hang_up, self.hang_up = self.hang_up, False
        return hang_up

    def _usual(self, verb: bytes) -> bytes:
        if verb == b"EHLO":
            lines = [b"upstream.test", *self.keywords]
            last = len(lines) - 1
            return b"".join(
                b"250" + (b" " if i == last else b"-") + x + b"\r\n" for i, x in enumerate(lines)
            )
        if verb == b"DATA":
            return b"354 go\r\n"
        if verb == b"QUIT":
            return b"221 2.0.0 bye\r\n"
        if verb == b"XCLIENT":
            return b"220 upstream.test for you\r\n"
        return b"250 2.1.0 ok\r\n"


class FakeHub:
    """Keeps the events; rules as ``ruler`` says."""

    def __init__(self) -> None:
        self.events: list[ev.AnyEvent] = []
        self.ruler: Callable[[Stage], Ruling] = lambda stage: PASS

    def emit(self, event: ev.AnyEvent) -> None:
        self.events.append(event)

    def asks(self, phase: ev.Phase) -> bool:
        return True

    async def rule(self, stage: Stage) -> Ruling:
        return self.ruler(stage)

    def of(self, kind: type) -> list[Any]:
        return [e for e in self.events if isinstance(e, kind)]

    def codes(self) -> list[str]:
        return [f.code for e in self.of(ev.Found) for f in e.findings]


class FakeChecks:
    """Checks that find nothing, or fail as told."""

    def __init__(self) -> None:
        self.on_client: Callable[[str], Any] = lambda ip: ClientReport(
            name="client.test", confirmed=True
        )
        self.on_sender: Callable[[Envelope], Any] = lambda envelope: SenderReport()
        self.on_recipients: Callable[[Sequence[str]], Any] = lambda addresses: RecipientsReport()
        self.on_message: Callable[[Envelope, Source], Any] = lambda envelope, source: (
            MessageReport()
        )

    async def client(self, ip: str) -> ClientReport:
        return await _awaited(self.on_client(ip))

    async def sender(self, envelope: Envelope) -> SenderReport:
        return await _awaited(self.on_sender(envelope))

    async def recipients(self, addresses: Sequence[str]) -> RecipientsReport:
        return await _awaited(self.on_recipients(addresses))

    async def message(
        self, envelope: Envelope, source: Source, sender: SenderReport | None = None
    ) -> MessageReport:
        return await _awaited(self.on_message(envelope, source))


async def _awaited(told: Any) -> Any:
    return await told if asyncio.iscoroutine(told) else told


class Client:
    """A raw SMTP client: bytes out, replies in."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def reply(self) -> bytes:
        out = b""
        async with asyncio.timeout(5):
            while True:
                line = await self.reader.readline()
                out += line
                if len(line) < 4 or line[3:4] != b"-":
                    return out

    async def say(self, *lines: bytes) -> bytes:
        answer = b""
        for line in lines:
            self.writer.write(line + b"\r\n")
            answer = await self.reply()
        return answer

    async def rest(self) -> bytes:
        async with asyncio.timeout(5):
            return await self.reader.read()

    def close(self) -> None:
        self.writer.close()


class Relay:
    """A real relay with a scripted upstream, a fake hub and fake checks."""

    def __init__(self, state: Path, **flags: Any) -> None:
        self.state, self.flags = state, flags
        self.upstream = Upstream()
        self.hub = FakeHub()
        self.checks = FakeChecks()

    async def start(self) -> None:
        port = await self.upstream.start()
        flags = {
            "listen": ["127.0.0.1:0"],
            "upstream": f"127.0.0.1:{port}",
            "state": str(self.state),
            "name": "relay.test",
            **self.flags,
        }
        self.settings: Settings = load(environ={}, flags=flags)
        limits = self.settings.limits
        certificate = Certificate(self.settings.tls, self.state, "relay.test")
        self.context = Context(
            settings=self.settings,
            hub=self.hub,
            checks=self.checks,
            guard=Guard(self.settings, exposed=False),
            spool=Spool(limits.spool_total, limits.spool_memory),
            journal=Journal(self.state / "commits"),
            tls=certificate.context,
            tls_done=certificate.done,
            suites=suite_names(),
        )
        self.context.journal.begin_anew()
        self.listener = Listener(self.context)
        await self.listener.start()

    async def stop(self) -> None:
        await self.listener.drain(0)
        await self.upstream.stop()
        self.context.journal.close()

    async def client(self, source: str = "127.0.0.1") -> Client:
        host, port = self.listener.addresses[0]
        streams = await asyncio.open_connection(host, port, local_addr=(source, 0))
        return Client(*streams)

    async def greeted(self) -> Client:
        client = await self.client()
        await client.reply()
        await client.say(b"EHLO client.test")
        return client

    def lost(self) -> bool:
        """True when the relay has noticed that a client's connection broke."""
        return any(wire.gone for wire in self.listener.wires)

    async def settled(self) -> None:
        """Wait until every session is over."""
        async with asyncio.timeout(5):
            while self.context.sessions or self.context.commits:
                await asyncio.sleep(0)


@contextlib.asynccontextmanager
async def relaying(state: Path, **flags: Any) -> AsyncIterator[Relay]:
    relay = Relay(state, **flags)
    await relay.start()
    try:
        yield relay
    finally:
        await relay.stop()
