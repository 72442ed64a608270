"""An SMTP dialogue as a bystander hears it, told in the relay's own events.

The client's octets are taken in lock step with the server's replies, as the relay takes
them: a line that was there before the last reply was written is pipelined.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from monitor import events as ev
from monitor.capture.handshake import Handshake
from monitor.capture.mailing import Mailing
from monitor.capture.spoken import PHASES, command, next_command, next_reply, without_secret
from monitor.capture.streams import Side
from monitor.relay import paths
from monitor.relay.replies import Answer, ReplyError, ReplyParser
from monitor.text import printable

MAX_LINE = 16 * 1024  # octets of a command line; what is longer is taken as it is

_TLS_RECORD = re.compile(rb"[\x14-\x17]\x03[\x00-\x04]")
_BDAT = re.compile(rb"(\d{1,10})(\s+LAST)?\s*", re.IGNORECASE)


class Dialogue:
    """One session. Each call gives the events that became known by it, in order."""

    def __init__(self, session: str) -> None:
        self._session = session
        self._input = bytearray()
        self._early = 0  # octets of it that were there when the last reply was written
        self._replies = bytearray()
        self._parser = ReplyParser()
        self._phase: ev.Phase = "connect"
        self._asked: bytes | None = b""  # the verb that waits for its reply; b"" for the banner
        self._argument = b""
        self._mailing = Mailing(session)
        self._content = False  # content is read, not commands
        self._chunk = 0  # octets of a BDAT chunk that are still to come
        self._secret = False  # the next line answers an AUTH challenge
        self._handshake: Handshake | None = None
        self._tls_failed = False
        self._holes = False  # something was not captured
        self._quit = False

    def hear(self, at: float, side: Side, octets: bytes, lost: int) -> Iterator[ev.AnyEvent]:
        """Take what one side said; ``lost`` octets before it are missing."""
        self._holes = self._holes or lost > 0
        if self._holes and self._handshake is None and not self._content:
            self._look_for_tls(octets)
        if self._handshake is not None:
            if lost:
                self._handshake.blind()
            if outcome := self._handshake.feed(at, side, octets):
                self._tls_failed = isinstance(outcome, ev.TlsFailed)
                yield outcome
        elif side == "client":
            if lost:
                octets = self._resume(octets)
            self._input += octets
            yield from self._listen(at)
        else:
            if lost:
                # In lock step one reply at most is missing: go on behind it.
                self._forget_replies()
                self._asked = None
                yield from self._listen(at)
                octets = next_reply(octets)
            self._replies += octets
            yield from self._answers(at)

    def close(self, at: float, side: Side | None) -> Iterator[ev.AnyEvent]:
        """The connection is over; ``side`` closed it, None where the capture ends before."""
        opaque = self._handshake is not None
        failed = self._handshake.closed(at) if self._handshake and side else None
        if failed is not None:
            self._tls_failed = True
            yield failed
        if self._input and not opaque and not self._content:
            yield command(self._session, at, bytes(self._input))
        yield from self._mailing.abandon(at)
        how: Literal["quit", "tls", "shutdown", "client", "upstream"]
        if self._tls_failed:
            how = "tls"
        elif self._quit:
            how = "quit"
        elif side is None or opaque:
            how = "shutdown"  # what came last was not seen: nobody is to blame
        else:
            how = "client" if side == "client" else "upstream"
        yield ev.Closed(session=self._session, at=at, how=how)

    # The client's side

    def _listen(self, at: float) -> Iterator[ev.AnyEvent]:
        while self._input and self._asked is None and self._handshake is None:
            if self._chunk:
                yield from self._take_chunk(at)
            elif self._content:
                yield from self._take_content(at)
            elif (end := self._input.find(b"\n")) >= 0 or len(self._input) > MAX_LINE:
                pipelined = self._early > 0
                line = self._take(end + 1 if end >= 0 else len(self._input))
                yield from self._line(at, line, pipelined)
            else:
                return

    def _line(self, at: float, raw: bytes, pipelined: bool) -> Iterator[ev.AnyEvent]:
        line = raw.removesuffix(b"\n").removesuffix(b"\r")
        bare = not raw.endswith(b"\r\n") or b"\r" in line
        verb, argument = paths.command(line)
        self._asked, self._argument = verb or b"?", argument
        if self._secret:
            self._secret, self._asked = False, b"AUTH"
            line = b"(answer to AUTH)"
        elif verb == b"AUTH":
            line = without_secret(argument)
        yield command(self._session, at, line, pipelined=pipelined, bare=bare)
        if verb in (b"EHLO", b"HELO", b"RSET", b"QUIT"):
            yield from self._mailing.abandon(at)
        self._phase = PHASES.get(verb, self._phase)
        if verb == b"BDAT" and (chunk := _BDAT.fullmatch(argument)):
            self._chunk = int(chunk[1])
            self._mailing.begin(pipelined=False)
            self._asked = None if self._chunk else b"BDAT"
            self._phase = "eod" if chunk[2] else "data"
            if not self._chunk:
                yield from self._end_chunk(at)

    def _take_chunk(self, at: float) -> Iterator[ev.AnyEvent]:
        octets = self._take(min(self._chunk, len(self._input)))
        self._chunk -= len(octets)
        self._mailing.chunk(octets)
        if not self._chunk:
            yield from self._end_chunk(at)

    def _end_chunk(self, at: float) -> Iterator[ev.AnyEvent]:
        self._asked = b"BDAT"
        if self._phase == "eod":
            yield from self._mailing.end_chunks(at)

    def _take_content(self, at: float) -> Iterator[ev.AnyEvent]:
        rest = self._mailing.feed(self._take(len(self._input)))
        if rest is not None:
            self._content = False
            self._asked = b"."
            self._input[:0] = rest
            yield from self._mailing.received(at)

    def _look_for_tls(self, octets: bytes) -> None:
        """Go blind where TLS began in what was not captured: its octets are no commands."""
        if _TLS_RECORD.match(octets):
            self._input.clear()
            self._handshake = Handshake(self._session)
            self._handshake.blind()

    def _resume(self, octets: bytes) -> bytes:
        """What can be used of ``octets`` behind a hole in what the client said."""
        self._input.clear()
        self._early = 0
        if self._content:
            self._mailing.lose()
            return octets
        return next_command(octets)

    def _forget_replies(self) -> None:
        self._replies.clear()
        self._parser = ReplyParser()

    def _take(self, size: int) -> bytes:
        octets = bytes(self._input[:size])
        del self._input[:size]
        self._early = max(0, self._early - size)
        return octets

    # The server's side

    def _answers(self, at: float) -> Iterator[ev.AnyEvent]:
        while True:
            try:
                answer = self._parser.feed(self._replies)
            except ReplyError:
                self._forget_replies()
                return
            if answer is None:
                return
            if self._content and not self._asked:
                # The end of the message was not captured, but the server had it.
                self._content, self._asked = False, b"."
                self._mailing.lose()
                yield from self._mailing.received(at)
            asked, self._asked = self._asked, None
            yield from self._answered(at, asked, answer)
            self._early = len(self._input)
            yield from self._listen(at)

    def _answered(self, at: float, asked: bytes | None, answer: Answer) -> Iterator[ev.AnyEvent]:
        if asked == b"STARTTLS" and answer.code == 220:
            yield from self._mailing.abandon(at)
        yield ev.Reply(
            session=self._session,
            at=at,
            code=answer.code,
            lines=tuple(printable(line) for line in answer.lines),
            by="upstream",
            phase=self._phase,
        )
        match asked:
            case b"":
                self._phase = "ehlo"
            case b"STARTTLS" if answer.code == 220:
                self._handshake = Handshake(self._session)
            case b"AUTH":
                self._secret = answer.code == 334
            case b"QUIT":
                self._quit = True
            case b"MAIL":
                yield from self._mailing.mail(at, self._argument, answer)
            case b"RCPT":
                yield from self._mailing.rcpt(at, self._argument, answer)
            case b"DATA":
                self._data(answer)
            case b"." | b"BDAT" if self._phase == "eod":
                yield from self._mailing.end(at, answer)
            case _:
                pass

    def _data(self, answer: Answer) -> None:
        if answer.code == 354:
            self._content = True
            self._phase = "eod"
            self._mailing.begin(pipelined=bool(self._input))
        else:
            self._mailing.refused_data(answer)
