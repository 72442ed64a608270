"""The sink MTA: it speaks SMTP as an upstream does, keeps the rules, and forgets the mail."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable

from monitor.demo.home import HOST, MAX_SIZE, Peer, Rules

BANNER = f"220 {HOST} ESMTP"
KEYWORDS = (
    "PIPELINING",
    f"SIZE {MAX_SIZE}",
    "VRFY",
    "8BITMIME",
    "SMTPUTF8",
    "DSN",
    "ENHANCEDSTATUSCODES",
    "XCLIENT NAME REVERSE_NAME ADDR PORT PROTO HELO",
)
TIMEOUT = 300.0  # seconds for one command (RFC 5321 4.5.3.2.7)
ERRORS = 20  # of a client, then 421

_PATH = re.compile(r"<(?:@[^:>]*:)?([^>]*)>(.*)", re.DOTALL)
_XTEXT = re.compile(r"\+([0-9A-F]{2})")  # RFC 3461 4


class Sink:
    """A server on loopback. ``accepted`` counts the messages that got a 250 after the dot."""

    def __init__(self, rules: Rules, clock: Callable[[], float] = time.monotonic) -> None:
        self.rules = rules
        self.clock = clock
        self.accepted = 0
        self._server: asyncio.Server | None = None
        self._sessions: set[asyncio.Task[None]] = set()

    async def start(self) -> tuple[str, int]:
        """Listen on a free port; the address."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=MAX_SIZE)
        host, port = self._server.sockets[0].getsockname()
        return host, port

    async def stop(self) -> None:
        """Stop listening and let go of the open sessions."""
        if self._server:
            self._server.close()
        for task in self._sessions:
            task.cancel()
        await asyncio.gather(*self._sessions, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._sessions.add(task)
        try:
            await _Session(self, reader, writer).run()
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # the client is gone, or sent an endless line
        except asyncio.CancelledError:
            pass  # by stop(); asyncio.streams would complain of it
        finally:
            self._sessions.discard(task)
            writer.close()


class _Session:
    """One connection. Each verb is a method that gives the reply, lines joined by newlines."""

    def __init__(
        self, sink: Sink, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._sink = sink
        self._reader = reader
        self._writer = writer
        self._peer = Peer(ip=writer.get_extra_info("peername")[0], helo="")
        self._sender: str | None = None
        self._recipients: list[str] = []
        self._verbs: dict[str, Callable[[str], Awaitable[str]]] = {
            "EHLO": self._ehlo,
            "HELO": self._helo,
            "MAIL": self._mail,
            "RCPT": self._rcpt,
            "DATA": self._data,
            "RSET": self._rset,
            "XCLIENT": self._xclient,
        }
        self._fixed = {
            "NOOP": "250 2.0.0 Ok",
            "VRFY": "252 2.0.0 Send some mail, and it will be tried",
            "HELP": "214 2.0.0 This MTA forgets all that it is given",
            "QUIT": "221 2.0.0 Bye",
        }

    async def run(self) -> None:
        """The dialogue, to QUIT or the end of the connection."""
        await self._say(BANNER)
        errors = 0
        while errors < ERRORS:
            line = await self._line()
            verb, _, argument = line.strip().partition(" ")
            verb = verb.upper()
            if verb in self._verbs:
                reply = await self._verbs[verb](argument.strip())
            else:
                reply = self._fixed.get(verb, "502 5.5.2 Error: command not recognized")
            errors += reply.startswith("5")
            await self._say(reply)
            if verb == "QUIT":
                return
        await self._say(f"421 4.7.0 {HOST} Error: too many errors")

    async def _line(self) -> str:
        async with asyncio.timeout(TIMEOUT):
            raw = await self._reader.readuntil(b"\r\n")
        return raw[:-2].decode("utf-8", "replace")

    async def _say(self, reply: str) -> None:
        self._writer.write(reply.replace("\n", "\r\n").encode() + b"\r\n")
        await self._writer.drain()

    def _reset(self) -> None:
        self._sender, self._recipients = None, []

    async def _ehlo(self, name: str) -> str:
        self._reset()
        self._peer = self._peer._replace(helo=self._peer.helo or name)
        lines = [HOST, *KEYWORDS]
        return "\n".join([*(f"250-{x}" for x in lines[:-1]), f"250 {lines[-1]}"])

    async def _helo(self, name: str) -> str:
        self._reset()
        return f"250 {HOST}" if name else "501 Syntax: HELO hostname"

    async def _rset(self, _: str) -> str:
        self._reset()
        return "250 2.0.0 Ok"

    async def _xclient(self, argument: str) -> str:
        """Take the client's identity from the relay (Postfix XCLIENT_README)."""
        given = dict(pair.partition("=")[::2] for pair in argument.split())
        told = {k.upper(): _XTEXT.sub(lambda m: chr(int(m[1], 16)), v) for k, v in given.items()}
        if self._sender is not None:
            return "503 5.5.1 Error: MAIL transaction in progress"
        ip = told.get("ADDR", self._peer.ip).removeprefix("IPV6:")
        self._peer = Peer(ip=ip, helo=told.get("HELO", ""))
        return BANNER

    async def _mail(self, argument: str) -> str:
        if self._sender is not None:
            return "503 5.5.1 Error: nested MAIL command"
        path = _path(argument, "FROM:")
        if path is None:
            return "501 5.5.4 Syntax: MAIL FROM:<address>"
        address, parameters = path
        size = re.search(r"\bSIZE=(\d{1,20})", parameters, re.IGNORECASE)
        if size and int(size[1]) > MAX_SIZE:
            return "552 5.3.4 Message size exceeds fixed limit"
        self._sender = address
        return "250 2.1.0 Ok"

    async def _rcpt(self, argument: str) -> str:
        if self._sender is None:
            return "503 5.5.1 Error: need MAIL command"
        path = _path(argument, "TO:")
        if path is None or not path[0]:
            return "501 5.5.4 Syntax: RCPT TO:<address>"
        reply = self._sink.rules.rcpt(self._peer, self._sender, path[0], self._sink.clock())
        if reply.startswith("2"):
            self._recipients.append(path[0])
        return reply

    async def _data(self, _: str) -> str:
        if not self._recipients:
            return "554 5.5.1 Error: no valid recipients"
        await self._say("354 End data with <CR><LF>.<CR><LF>")
        size = 0
        while (line := await self._reader.readuntil(b"\r\n")) != b".\r\n":
            size += len(line)
        recipients = self._recipients
        self._reset()
        if size > MAX_SIZE:
            return "552 5.3.4 Error: message file too big"
        reply = self._sink.rules.content(recipients, f"{self._sink.accepted + 1:06X}")
        self._sink.accepted += reply.startswith("2")
        return reply


def _path(argument: str, keyword: str) -> tuple[str, str] | None:
    """Address and parameters of MAIL or RCPT (RFC 5321 4.1.2); None where it is no path."""
    if not argument.upper().startswith(keyword):
        return None
    match = _PATH.fullmatch(argument[len(keyword) :].strip())
    return (match[1], match[2].strip()) if match else None
