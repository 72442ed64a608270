"""Sessions of hostile clients, made up by hypothesis, and a client that holds them.

What counts is what the client was told: a message that it heard 2xx for is to be delivered
once, as it was sent, to the recipients that it heard 2xx for; anything else not at all.
"""

from __future__ import annotations

import contextlib
import itertools
import socket
from collections.abc import Callable
from dataclasses import dataclass, field

from hypothesis import strategies as st

END = b"\r\n.\r\n"
PATIENCE = 15.0  # seconds for a reply
HEADER = (
    b"Date: Mon, 2 Nov 2026 10:00:00 +0000\r\nFrom: a@sender.test\r\n"
    b"Message-ID: <%d@client.test>\r\n\r\n"
)
SMUGGLED = (
    b"MAIL FROM:<evil@sender.test>\r\nRCPT TO:<smuggled@sink.test>\r\n"
    b"DATA\r\nSubject: smuggled\r\n\r\nx\r\n"
)
_ENDS = (b"\r\n", b"\r", b"\n", b"\r\r\n", b"\n\r", b"\0\r\n", b"\r\0\n", b"\r\n\0", b"")
LOOKALIKES = tuple(
    a + b"." + b for a, b in itertools.product(_ENDS, _ENDS) if (a, b) != (b"\r\n",) * 2
)
_TAME = (
    b"a",
    b".",
    b"..",
    b" ",
    b"\xff",
    b"\r\n",
    b"\r\n..",
    b"\r\n.x",
    b"x" * 1_500,
    SMUGGLED,
    b"QUIT\r\n",
)
_WILD = (*LOOKALIKES, b"\r", b"\n", b"\0")
_COMMANDS = (
    b"NOOP", b"RSET", b"RSET", b"HELO other.test", b"EHLO other.test", b"VRFY x", b"HELP", b"FOO",
    b"MAIL FROM:<nested@sender.test>", b"MAIL FROM:<a@sender.test> SIZE=99999999999", b"DATA x",
    b"RCPT TO:<=?utf-8?q?a=0d=0aDATA=0d=0a?=@sink.test>", b"RCPT TO:<a\0@sink.test>",
    b"RCPT TO:<a\rb@sink.test>", b"RCPT TO:<>", b"RCPT TO:<relayed@elsewhere.test>",
    b'RCPT TO:<"odd one"@sink.test>', b"XCLIENT ADDR=127.0.0.9", b"XFORWARD NAME=x", b"STARTTLS",
    b"BDAT 5 LAST", b"AUTH PLAIN AAAA", b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2", b".", b"", b"\0",
    b"NOOP " + b"x" * 5_000,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Command:
    """A line, and how it ends."""

    line: bytes
    end: bytes = b"\r\n"


@dataclass(frozen=True, slots=True)
class Content:
    """DATA, and what follows it up to the final dot; ``wire`` is without that."""

    wire: bytes

    @property
    def sent(self) -> bytes:
        """What the client means by it (RFC 5321 4.5.2)."""
        return (b"\r\n" + self.wire).replace(b"\r\n.", b"\r\n")[2:]

    @property
    def safe(self) -> bool:
        """False where another server may see an end in it."""
        bare = self.wire.replace(b"\r\n", b"")
        disguised = END in (b"\r\n" + self.wire).replace(b"\0", b"")
        return b"\r" not in bare and b"\n" not in bare and not disguised


@dataclass(frozen=True, slots=True)
class Session:
    """``blast``: all of it at once, without waiting for a reply. ``cuts``: sizes of pieces."""

    steps: tuple[Command | Content, ...]
    blast: bool
    cuts: tuple[int, ...]


@dataclass
class Taken:
    """A message that the client heard 2xx for."""

    sender: bytes
    rcpts: list[bytes]
    content: Content


@dataclass
class Heard:
    """What the client was told."""

    taken: list[Taken] = field(default_factory=list)
    refused: list[Content] = field(default_factory=list)  # though it had recipients
    replies: list[bytes] = field(default_factory=list)
    whole: bool = False  # nothing cut it short


def _content(id: int, parts: list[bytes]) -> Content:
    wire = HEADER % id + b"".join(parts)
    wire += b"" if wire.endswith(b"\r\n") else b"\r\n"
    while END in wire:
        wire = wire.replace(END, b"\r\n..\r\n")
    return Content(wire)


@st.composite
def sessions(draw: Callable[..., object], ids: Callable[[], int]) -> Session:
    """Some transactions, with what does not belong there in between."""
    steps: list[Command | Content] = [Command(b"EHLO client.sender.test")]
    ends = st.sampled_from((b"\r\n",) * 9 + (b"\n",))
    odd = st.lists(st.builds(Command, st.sampled_from(_COMMANDS), ends), max_size=2)
    for _ in range(draw(st.integers(1, 4))):
        id = ids()
        steps += draw(odd)
        steps.append(Command(b"MAIL FROM:<s%d@sender.test>" % id, draw(ends)))
        for n in range(draw(st.integers(0, 3))):
            steps.append(Command(b"RCPT TO:<r%d.%d@sink.test>" % (n, id), draw(ends)))
        if draw(st.integers(0, 3)) == 0:
            steps += draw(odd)
        alphabet = _TAME + _WILD if draw(st.booleans()) else _TAME
        parts = draw(st.lists(st.sampled_from(alphabet), max_size=12))
        steps.append(_content(id, parts))
    steps.append(Command(b"QUIT"))
    cuts = draw(st.lists(st.sampled_from((1, 2, 3, 5, 40, 1_400)), max_size=8))
    return Session(tuple(steps), draw(st.booleans()), tuple(cuts))


def hold(port: int, session: Session) -> Heard:
    """Hold it, and tell what was heard."""
    heard = Heard()
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        talk = _Talk(sock, session.cuts)
        with contextlib.suppress(EOFError, ConnectionError):
            talk.reply()
            if session.blast:
                whole = b"".join(_wire(step) for step in session.steps)
                talk.send(whole)
                with contextlib.suppress(OSError):  # it may have been closed on us by now
                    sock.shutdown(socket.SHUT_WR)
            _listen(talk, session, heard)
            heard.whole = True
    heard.replies = talk.replies
    return heard


def _wire(step: Command | Content) -> bytes:
    if isinstance(step, Command):
        return step.line + step.end
    return b"DATA\r\n" + step.wire + b".\r\n"


def _listen(talk: _Talk, session: Session, heard: Heard) -> None:
    sender, rcpts = b"", []
    for step in session.steps:
        if isinstance(step, Content):
            if not session.blast:
                talk.send(b"DATA\r\n")
            if not talk.reply().startswith(b"354"):
                heard.refused += [step] if rcpts else []
                if session.blast:
                    raise EOFError  # what follows runs as commands, or is not heard
                continue
            if not session.blast:
                talk.send(step.wire + b".\r\n")
            if talk.reply().startswith(b"2"):
                heard.taken.append(Taken(sender, rcpts, step))
            else:
                heard.refused.append(step)
            sender, rcpts = b"", []
            continue
        if not session.blast:
            talk.send(step.line + step.end)
        good = talk.reply().startswith(b"2")
        verb, address = step.line[:4].upper(), step.line.partition(b"<")[2].rpartition(b">")[0]
        if good and verb == b"MAIL":
            sender, rcpts = address, []
        elif good and verb == b"RCPT":
            rcpts = [*rcpts, address]
        elif good and verb in (b"RSET", b"HELO", b"EHLO"):
            sender, rcpts = b"", []


class _Talk:
    """Sends in pieces, and hears replies. Raises EOFError where the other side has closed."""

    def __init__(self, sock: socket.socket, cuts: tuple[int, ...]) -> None:
        self._sock = sock
        self._cuts = cuts
        self._buffer = b""
        self.replies: list[bytes] = []

    def send(self, data: bytes) -> None:
        """Send ``data``, cut into pieces as the session says."""
        for cut in self._cuts:
            self._sock.sendall(data[:cut])
            data = data[cut:]
        self._sock.sendall(data)

    def reply(self) -> bytes:
        """The next reply, its last line."""
        while True:
            line = self._line()
            if line[3:4] != b"-":
                self.replies.append(line)
                return line

    def _line(self) -> bytes:
        while b"\n" not in self._buffer:
            data = self._sock.recv(65_536)
            if not data:
                raise EOFError
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line
