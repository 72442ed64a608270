"""The client's side of a captured session, as steps to take again, and what was heard then."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from monitor import events as ev
from monitor.text import unescape


@dataclass(frozen=True, slots=True)
class Say:
    """A command line, with its line end. ``at`` is when it was read then."""

    at: float
    octets: bytes
    pipelined: bool = False
    clipped: bool = False  # the capture has its beginning only


@dataclass(slots=True)
class Send:
    """A message, the dot stuffing undone. ``whole`` is False where the capture lacks some."""

    at: float
    size: int
    pieces: list[bytes] = field(default_factory=list)
    pipelined: bool = False
    header: bytes = b""

    @property
    def whole(self) -> bool:
        """True when every octet was captured."""
        return sum(map(len, self.pieces)) == self.size

    def content(self) -> Iterator[bytes]:
        """The message; what the capture lacks of it is filled up with lines of ``x``."""
        if self.whole:
            yield from self.pieces
            return
        yield self.header + b"\r\n"
        missing = self.size - len(self.header) - 2
        line = b"x" * 76 + b"\r\n"
        for _ in range(max(0, missing) // len(line)):
            yield line


@dataclass(frozen=True, slots=True)
class Encrypt:
    """The TLS handshake after STARTTLS."""

    at: float


@dataclass(frozen=True, slots=True)
class Hear:
    """A reply that was heard then. ``after`` is the command that it answers, for a report."""

    at: float
    code: int
    text: str
    after: str


Step = Say | Send | Encrypt | Hear


def script(events: Iterable[ev.AnyEvent]) -> list[Step]:
    """The steps of one session's events."""
    steps: list[Step] = []
    sends: dict[str, Send] = {}
    last = "the connection"
    for event in events:
        match event:
            case ev.Command():
                steps.append(_say(event))
                last = event.text
            case ev.Reply():
                steps.append(Hear(event.at, event.code, " ".join(event.lines), last))
            case ev.Content():
                header = unescape(event.header)
                send = Send(event.at, event.size, [], event.pipelined, header)
                sends[event.transaction] = send
                steps.append(send)
                last = "the message"
            case ev.Body(transaction=transaction) if transaction in sends:
                sends[transaction].pieces.append(event.data)
            case ev.Secured(side="client"):
                steps.append(Encrypt(event.at))
            case _:
                pass
    return steps


def _say(command: ev.Command) -> Say:
    line = unescape(command.text)
    bare = command.bare_newline and b"\r" not in line
    return Say(
        command.at,
        line + (b"\n" if bare else b"\r\n"),
        command.pipelined,
        clipped=len(line) < command.size,
    )
