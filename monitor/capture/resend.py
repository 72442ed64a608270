"""Playing the client's side of a captured session to a server, and comparing its replies."""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from monitor.capture.format import CaptureError
from monitor.capture.script import Encrypt, Hear, Say, Send, Step
from monitor.relay.data import stuffed
from monitor.relay.replies import Answer, ReplyError, ReplyParser
from monitor.relay.trust import any_certificate
from monitor.text import printable

_ENHANCED = re.compile(r"[245]\.\d{1,3}\.\d{1,3}(?= |$)")


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """One reply, then and now. ``now`` is 0 where none came; ``same`` compares the codes."""

    after: str
    then: int
    then_text: str
    now: int
    now_text: str
    same: bool


class Mismatch(Exception):
    """The server is no longer where the session was; the text says how."""


async def loopback_only(host: str, port: int) -> tuple[str, bool]:
    """An address of ``host``, and whether all of them are loopback. Raises CaptureError."""
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise CaptureError(f"{host} cannot be resolved: {error.strerror}") from None
    addresses = [str(entry[4][0]).partition("%")[0] for entry in found]
    return addresses[0], all(ipaddress.ip_address(a).is_loopback for a in addresses)


async def resend(
    steps: Sequence[Step],
    host: str,
    port: int,
    *,
    fast: bool = False,
    plaintext: bool = False,
    timeout: float = 30.0,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    tell: Callable[[str], None] = lambda text: None,
) -> list[Compared]:
    """Take ``steps`` against a server; every reply, compared. Raises CaptureError.

    It stops where the server parts, or where going on would put a message or a handshake in
    the place of commands. With ``plaintext`` what was encrypted then is sent in the open to a
    server that does not take STARTTLS. ``tell`` hears what could not be done as it was then.
    """
    try:
        async with asyncio.timeout(timeout):
            reader, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError) as error:
        reason = getattr(error, "strerror", None) or "timed out"
        raise CaptureError(f"cannot connect to {host}:{port}: {reason}") from None
    client = _Client(reader, writer, timeout, tell, plaintext)
    last = steps[0].at if steps else 0.0
    try:
        for step in steps:
            if not fast and not isinstance(step, Hear):
                await sleep(max(0.0, step.at - last))
            last = max(last, step.at)
            await client.take(step)
        await client.listen()
    except (Mismatch, OSError, TimeoutError, ReplyError) as error:
        tell(f"stopped: {error or 'no answer in time'}")
        client.give_up(steps)
    finally:
        writer.close()
    return client.compared


class _Client:
    """A connection, and the replies that are still to be heard on it."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        timeout: float,
        tell: Callable[[str], None],
        plaintext: bool,
    ) -> None:
        self.compared: list[Compared] = []
        self._reader = reader
        self._writer = writer
        self._timeout = timeout
        self._tell = tell
        self._plaintext = plaintext
        self._buffer = bytearray()
        self._expected: deque[Hear] = deque()
        self._last = 0

    async def take(self, step: Step) -> None:
        match step:
            case Hear():
                self._expected.append(step)
            case Say():
                if not step.pipelined:
                    await self.listen()
                if step.clipped:
                    self._tell("a command was captured in part: its beginning is sent")
                await self._write(step.octets)
            case Send():
                await self._message(step)
            case Encrypt():
                await self._encrypt()

    async def listen(self) -> None:
        """Read and compare every reply that is to come."""
        while self._expected:
            then = self._expected[0]
            now = await self._reply()
            self._expected.popleft()
            self._last = now.code
            self.compared.append(compare(then, now))

    def give_up(self, steps: Sequence[Step]) -> None:
        """Tell what was not heard any more."""
        heard = len(self.compared)
        unheard = [step for step in steps if isinstance(step, Hear)][heard:]
        self.compared += [compare(then, None) for then in unheard]

    async def _message(self, step: Send) -> None:
        if not step.pipelined:
            await self.listen()
            if self._last != 354:
                raise Mismatch(f"the server did not take the message ({self._last} to DATA)")
        if not step.whole:
            self._tell("the message was not captured whole: lines of x fill it up")
        line_start, last = True, b""
        for piece in step.content():
            octets = last + piece
            cut = len(octets) - octets.endswith(b"\r")  # a CRLF of two pieces is kept whole
            octets, last = octets[:cut], octets[cut:]
            if octets:
                await self._write(stuffed(octets, line_start))
                line_start = octets.endswith(b"\r\n")
        await self._write(last + (b".\r\n" if line_start and not last else b"\r\n.\r\n"))

    async def _encrypt(self) -> None:
        await self.listen()
        if self._last != 220:
            refusal = f"the server did not take STARTTLS ({self._last})"
            if not self._plaintext:
                raise Mismatch(refusal)
            self._tell(f"{refusal}: it goes on in plaintext")
            return
        # A test server's certificate proves nothing either way.
        async with asyncio.timeout(self._timeout):
            await self._writer.start_tls(any_certificate())

    async def _write(self, octets: bytes) -> None:
        self._writer.write(octets)
        async with asyncio.timeout(self._timeout):
            await self._writer.drain()

    async def _reply(self) -> Answer:
        parser = ReplyParser()
        async with asyncio.timeout(self._timeout):
            while (answer := parser.feed(self._buffer)) is None:
                octets = await self._reader.read(65_536)
                if not octets:
                    raise Mismatch("the server closed the connection")
                self._buffer += octets
        return answer


def compare(then: Hear, now: Answer | None) -> Compared:
    """A reply then and now: the same when code and enhanced status code (RFC 3463) are."""
    text = printable(now.text) if now else ""
    code = now.code if now else 0
    same = code == then.code and _enhanced(text) == _enhanced(then.text)
    return Compared(
        after=then.after,
        then=then.code,
        then_text=then.text,
        now=code,
        now_text=text,
        same=same,
    )


def _enhanced(text: str) -> str:
    found = _ENHANCED.match(text)
    return found[0] if found else ""
