"""SMTP sessions from captured packets, as the relay's events."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

from monitor import events as ev
from monitor.capture.dialogue import Dialogue
from monitor.capture.packets import Endpoint, Segment, Tell, segments
from monitor.capture.streams import Connection, Data, End, Side

PORTS = frozenset((25, 587, 2525, 10025))  # servers there speak SMTP, whatever they say
MAX_HELD = 20  # segments of a client before its server spoke
MAX_OPEN = 10_000  # connections followed at once; with more, the oldest is let go

_BANNER = re.compile(rb"(220|421|554)[ -]")
_Key = frozenset[Endpoint]


def pcap_events(path: Path, tell: Tell) -> Iterator[ev.AnyEvent]:
    """The events of every SMTP session in a file of packets, in the order of time.

    Sessions that began before the capture did are left out: half a dialogue would put
    faults to a sender's account that it did not commit. ``tell`` hears how many, and of
    lost segments. Raises CaptureError.
    """
    sessions: dict[_Key, _Session] = {}
    begun_before: set[_Key] = set()
    at = 0.0
    lost: list[int] = []
    for segment in segments(path, tell):
        at = max(at, segment.at)
        key = frozenset((segment.source, segment.target))
        session = sessions.get(key)
        if session is not None and session.over and segment.syn:
            session = None
        if session is None:
            session = _begin(segment, lost)
            if session is None:
                if segment.data and PORTS & {segment.source[1], segment.target[1]}:
                    begun_before.add(key)
                continue
            sessions[key] = session
            if len(sessions) > MAX_OPEN:
                yield from sessions.pop(next(iter(sessions))).finish(at)
        yield from session.add(segment)
    for session in sessions.values():
        yield from session.finish(at)
    if lost:
        tell(f"{sum(lost)} octets of the sessions were not captured")
    if begun_before:
        tell(f"{len(begun_before)} sessions began before the capture did, and are left out")


def _begin(segment: Segment, lost: list[int]) -> _Session | None:
    """The session that a segment begins: by its SYN, or a banner without one."""
    if segment.rst:
        return None
    if segment.syn:
        # A SYN with an ACK is the server's answer to one that was not captured.
        answered = segment.ack is not None
        client, server = (segment.source, segment.target)[:: -1 if answered else 1]
        return _Session(client, server, segment.at, lost)
    if _BANNER.match(segment.data) and segment.source[1] < segment.target[1]:
        return _Session(segment.target, segment.source, segment.at, lost)
    return None


class _Session:
    """One connection: what it says is held until it is plain that it is SMTP."""

    def __init__(self, client: Endpoint, server: Endpoint, at: float, lost: list[int]) -> None:
        told = f"{client} {server} {at}".encode()
        self._id = hashlib.sha256(told).hexdigest()[:16]
        self._connection = Connection(client, server)
        self._opened = ev.Opened(
            session=self._id,
            at=at,
            relay=server[0],
            ip=client[0],
            port=client[1],
            local_ip=server[0],
            local_port=server[1],
        )
        self._is_smtp: bool | None = True if server[1] in PORTS else None
        self._dialogue: Dialogue | None = None
        self._held: list[Data] = []
        self._ended: Side | None = None  # who closed first
        self._lost = lost
        self.over = False

    def add(self, segment: Segment) -> Iterator[ev.AnyEvent]:
        """The events that a segment completes."""
        for item in self._connection.add(segment):
            yield from self._take(item)

    def finish(self, at: float) -> Iterator[ev.AnyEvent]:
        """What is known when the capture ends, or no more can be followed."""
        if self.over:
            return
        for item in self._connection.finish(at):
            yield from self._take(item)
        yield from self._close(at, self._ended)

    def _take(self, item: Data | End) -> Iterator[ev.AnyEvent]:
        if self.over or self._is_smtp is False:
            return
        if isinstance(item, End):
            # A client may close its side and still hear the last reply.
            self._ended = self._ended or item.side
            if item.broken or item.side == "server":
                yield from self._close(item.at, self._ended)
            return
        if item.lost:
            self._lost.append(item.lost)
        if self._is_smtp is None and not self._decided(item):
            return
        if self._dialogue is None:
            self._dialogue = Dialogue(self._id)
            yield self._opened
        for said in (*self._held, item):
            yield from self._dialogue.hear(said.at, said.side, said.octets, said.lost)
        self._held = []

    def _decided(self, item: Data) -> bool:
        """True when it is plain by ``item`` that this is SMTP; else it is held, or let go."""
        if item.side == "server" or len(self._held) >= MAX_HELD:
            self._is_smtp = item.side == "server" and _BANNER.match(item.octets) is not None
        if self._is_smtp is None:
            self._held.append(item)  # a client that speaks first: an early talker, or no SMTP
        elif not self._is_smtp:
            self._held = []
        return bool(self._is_smtp)

    def _close(self, at: float, side: Side | None) -> Iterator[ev.AnyEvent]:
        self.over = True
        if self._dialogue is not None:
            yield from self._dialogue.close(at, side)
            self._dialogue = None
