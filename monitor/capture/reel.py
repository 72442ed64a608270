"""What is played: pieces of events in the order of time, from files or from memory."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import accumulate, islice
from typing import NamedTuple, Protocol

from monitor.capture.reader import Capture
from monitor.capture.rules import Rules
from monitor.capture.sheet import is_error
from monitor.events import AnyEvent, Ended

LEAD_IN = 300.0
LEAD_IN_EVENTS = 20_000


class Load(Protocol):
    """Reads the events of a piece; with ``session`` those of that one, which is faster."""

    def __call__(self, session: str = "") -> list[AnyEvent]: ...


class Piece(NamedTuple):
    """Some events that stand together. Times are seconds since the epoch."""

    first: float
    last: float
    events: int
    transactions: int
    errors: int
    load: Load


class Reel:
    """Pieces by number and by time. Only the pieces that are asked for are read."""

    def __init__(self, title: str, pieces: Sequence[Piece], captures: Sequence[Capture] = ()):
        self.title = title
        self._pieces = sorted(pieces, key=lambda piece: piece.first)
        self._captures = captures
        self.notes: list[str] = []  # what was told when the files were opened
        # Events of several sessions may stand a little out of order: what was seen so far.
        self._until = list(accumulate((piece.last for piece in self._pieces), max))
        self.start = self._pieces[0].first if self._pieces else 0.0
        self.end = self._until[-1] if self._until else 0.0
        self.transactions = sum(piece.transactions for piece in self._pieces)

    @property
    def rules(self) -> Rules:
        """The settings that its findings depended on, as the first file has them."""
        return self._captures[0].header.rules if self._captures else {}

    def __len__(self) -> int:
        return len(self._pieces)

    def __getitem__(self, index: int) -> Piece:
        return self._pieces[index]

    @property
    def problems(self) -> list[str]:
        """The notes, and what of the files could not be read so far."""
        told = [f"{c.path.name}: {problem}" for c in self._captures for problem in c.problems]
        return self.notes + told

    def find(self, at: float) -> int:
        """The number of the first piece that has events of ``at`` or later."""
        return bisect_left(self._until, at)

    def lead_in(self, index: int) -> int:
        """The number of the piece to begin with, so that the sessions open at ``index`` are known.

        It goes back ``LEAD_IN`` seconds, or ``LEAD_IN_EVENTS`` events where that is less.
        """
        if index >= len(self):
            return index
        wanted = self._pieces[index].first - LEAD_IN
        events = 0
        while index > 0 and self._until[index - 1] >= wanted and events < LEAD_IN_EVENTS:
            index -= 1
            events += self._pieces[index].events
        return index

    def next_error(self, index: int) -> int | None:
        """The number of the first piece from ``index`` on that tells of an error."""
        return next((i for i in range(index, len(self)) if self._pieces[i].errors), None)

    def events(self, index: int = 0) -> Iterator[AnyEvent]:
        """Every event from a piece on."""
        for piece in islice(self._pieces, index, None):
            yield from piece.load()

    def close(self) -> None:
        """Close the files."""
        for capture in self._captures:
            capture.close()


def of_captures(title: str, captures: Sequence[Capture]) -> Reel:
    """A reel of one file or of several."""
    pieces = [
        Piece(
            frame.note.first,
            frame.note.last,
            frame.note.events,
            frame.note.transactions,
            frame.note.errors,
            partial(capture.read, number),
        )
        for capture in captures
        for number, frame in enumerate(capture.frames)
        if frame.note.events
    ]
    return Reel(title, pieces, captures)


def of_events(title: str, events: Iterable[AnyEvent], size: int = 500) -> Reel:
    """A reel of events in memory, in pieces of ``size``."""
    stream = iter(events)
    pieces = []
    while chunk := list(islice(stream, size)):
        times = [event.at for event in chunk]
        pieces.append(
            Piece(
                min(times),
                max(times),
                len(chunk),
                sum(isinstance(event, Ended) for event in chunk),
                sum(is_error(event) for event in chunk),
                partial(_of_session, chunk),
            )
        )
    return Reel(title, pieces)


def _of_session(events: list[AnyEvent], session: str = "") -> list[AnyEvent]:
    return [event for event in events if not session or event.session == session]
