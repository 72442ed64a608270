"""A mail transaction as a bystander sees it: MAIL, RCPT, the message, what became of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from monitor import events as ev
from monitor.relay import paths, telling
from monitor.relay.data import DataParser, stuffed
from monitor.relay.replies import Answer
from monitor.text import printable

MAX_BODY = 64 * 1024 * 1024  # octets of a message that are kept; of a longer one the header


class Mailing:
    """The transaction in hand of one session, and the message in hand."""

    def __init__(self, session: str) -> None:
        self._session = session
        self._count = 0
        self._id = ""  # "" between transactions
        self._last: Answer | None = None
        self._phase: ev.Phase = "mail"
        self._tried = 0
        self._parser: DataParser | None = None
        self._pipelined = False
        self._pieces: list[bytes] = []
        self._whole = True
        self._line_start = True

    def mail(self, at: float, argument: bytes, answer: Answer) -> Iterator[ev.AnyEvent]:
        """MAIL was answered."""
        if self._id and not answer.positive:
            return  # the transaction in hand goes on
        address, params = _path(b"MAIL", argument)
        if address is None and not answer.positive:
            return
        yield from self.abandon(at)
        self._count += 1
        self._id = f"{self._session}-{self._count}"
        self._last, self._phase, self._tried = answer, "mail", 0
        yield ev.Mail(
            session=self._session,
            at=at,
            transaction=self._id,
            address=address or "",
            code=answer.code,
            reply=printable(answer.text),
            by="upstream",
            params=params,
        )
        if not answer.positive:
            yield from self.abandon(at)

    def rcpt(self, at: float, argument: bytes, answer: Answer) -> Iterator[ev.AnyEvent]:
        """RCPT was answered."""
        address, params = _path(b"RCPT", argument)
        if not self._id or not address:
            return
        self._last, self._phase = answer, "rcpt"
        self._tried += 1
        yield ev.Rcpt(
            session=self._session,
            at=at,
            transaction=self._id,
            address=address,
            code=answer.code,
            reply=printable(answer.text),
            by="upstream",
            params=params,
        )

    def refused_data(self, answer: Answer) -> None:
        """DATA was refused; that decides a transaction that had no recipients."""
        if not self._tried:
            self._last, self._phase = answer, "data"

    def begin(self, *, pipelined: bool) -> None:
        """A message begins, or its next chunk."""
        if self._parser is None:
            self._parser = DataParser()
            self._pipelined = pipelined
            self._pieces = []
            self._whole = True
            self._line_start = True

    def lose(self) -> None:
        """Some of the message was not captured: its header may be told, its body not."""
        self._pieces = []
        self._whole = False

    def feed(self, octets: bytes) -> bytes | None:
        """Content as it is on the wire; what follows its end, when that was reached."""
        assert self._parser is not None
        content, rest = self._parser.feed(octets)
        if self._whole and self._parser.facts.size <= MAX_BODY:
            self._pieces.append(content)
        return rest

    def chunk(self, octets: bytes) -> None:
        """Content of BDAT (RFC 3030), which has no dots to undo."""
        self.feed(stuffed(octets, self._line_start))
        self._line_start = octets.endswith(b"\r\n")

    def end_chunks(self, at: float) -> Iterator[ev.AnyEvent]:
        """The last chunk was read."""
        self.feed(b".\r\n" if self._line_start else b"\r\n.\r\n")
        yield from self.received(at)

    def received(self, at: float) -> Iterator[ev.AnyEvent]:
        """The message was read to its end."""
        parser, self._parser = self._parser, None
        if parser is None or not self._id:
            return
        yield telling.content(
            parser,
            session=self._session,
            at=at,
            transaction=self._id,
            pipelined=self._pipelined,
        )
        offset = 0
        for piece in self._pieces:
            yield ev.Body(
                session=self._session, at=at, transaction=self._id, offset=offset, data=piece
            )
            offset += len(piece)
        self._pieces = []

    def end(self, at: float, answer: Answer) -> Iterator[ev.AnyEvent]:
        """The message was answered: the transaction is over."""
        self._last, self._phase = answer, "eod"
        yield from self._over(at, "accepted" if answer.positive else "refused")

    def abandon(self, at: float) -> Iterator[ev.AnyEvent]:
        """The transaction in hand, if any, ends as its last reply left it."""
        yield from self._over(at, "none")

    def _over(
        self, at: float, state: Literal["none", "accepted", "refused"]
    ) -> Iterator[ev.AnyEvent]:
        if self._id and self._last is not None:
            verdict = ev.Verdict(
                code=self._last.code,
                reply=printable(self._last.text),
                phase=self._phase,
                by="upstream",
            )
            yield ev.Ended(
                session=self._session, at=at, transaction=self._id, verdict=verdict, state=state
            )
        self._id, self._parser = "", None


def _path(verb: bytes, argument: bytes) -> tuple[str | None, tuple[str, ...]]:
    try:
        path = paths.path(verb, argument)
    except paths.PathError:
        return None, ()
    return path.address, path.params
