"""Lines gathered for one frame, and the note of what is in them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec

from monitor import events as ev
from monitor.capture.format import Gap, Header, Note, pack

FULL = 512 * 1024  # octets of lines that make a frame
_encode_lines = msgspec.json.Encoder().encode_lines


class Sheet:
    """A frame in the making."""

    def __init__(self) -> None:
        self._lines = bytearray()
        self._first, self._last = math.inf, 0.0
        self.events = self._transactions = self._errors = 0

    def __len__(self) -> int:
        return len(self._lines)

    @property
    def full(self) -> bool:
        """True when it is time to write this one and begin another."""
        return len(self._lines) >= FULL

    def say(self, line: Header | Gap) -> None:
        """Add a line that is no event."""
        self._lines += msgspec.json.encode(line) + b"\n"

    def add(self, event: ev.AnyEvent) -> None:
        """Add an event."""
        self.add_all((event,))

    def add_all(self, events: Sequence[ev.AnyEvent]) -> None:
        """Add events, at least one: all of them, or none where one cannot be encoded."""
        self._lines += _encode_lines(events)
        times = sorted([event.at for event in events])  # they are, nearly: no work
        self._first = min(self._first, times[0])
        self._last = max(self._last, times[-1])
        self.events += len(events)
        for event in events:
            kind = type(event)  # on a msgspec type isinstance() costs ten times as much
            if kind is ev.Ended:
                self._transactions += 1
            elif kind is ev.Found:
                self._errors += is_error(event)

    def packed(self) -> tuple[Note, bytes]:
        """The note, and the octets to write."""
        note = Note(
            size=0,
            raw=0,
            first=self._first if self.events else 0.0,
            last=self._last,
            events=self.events,
            transactions=self._transactions,
            errors=self._errors,
        )
        return pack(bytes(self._lines), note)


def is_error(event: ev.AnyEvent) -> bool:
    """True for an event that tells a finding of severity error."""
    return type(event) is ev.Found and "error" in [found.severity for found in event.findings]
