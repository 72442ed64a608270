"""The messages on the control socket, one JSON object a line.

A client sends requests; the server answers each with a :class:`Response` of the same
``id``. After ``subscribe`` it also pushes updates: records as they end, late findings,
list changes and the relay's status.
"""

from __future__ import annotations

from typing import Any

import msgspec

from monitor.policy.entry import Draft, Entry
from monitor.record import Late, Record

PROTOCOL = 1


class Process(msgspec.Struct, frozen=True, kw_only=True):
    """One of the workers of a relay that has several."""

    number: int
    pid: int
    up: bool
    sessions: int = 0
    replaced: int = 0  # how often another took its place
    dropped: int = 0  # events that the hub did not take


class Status(msgspec.Struct, frozen=True, kw_only=True, tag="status"):
    """How the relay fares. Rates are a second, over the last ten."""

    relay: str
    version: str
    started: float
    now: float
    listening: tuple[str, ...] = ()
    upstream: str = ""
    upstream_up: bool | None = None
    identity: str = ""
    dns: str = ""
    dns_up: bool | None = None
    greylist: str = "observe"
    capture: str = "off"
    disk_free: int = 0
    sessions: int = 0
    transactions: int = 0
    rate: float = 0.0
    accepted: int = 0
    deferred: int = 0
    refused: int = 0
    workers: tuple[Process, ...] = ()  # none where one process is all
    problems: tuple[str, ...] = ()  # what an operator should mend, in sentences


class RecordUpdate(msgspec.Struct, frozen=True, tag="record"):
    """A transaction ended."""

    record: Record


class LateUpdate(msgspec.Struct, frozen=True, tag="late"):
    """More became known of an ended transaction."""

    late: Late


class ListsUpdate(msgspec.Struct, frozen=True, tag="lists"):
    """The lists changed; here they are, entries in force only."""

    entries: tuple[Entry, ...]


class Missed(msgspec.Struct, frozen=True, tag="missed"):
    """This client read too slowly; ``count`` updates were dropped: ask history for them."""

    count: int


class Jumped(msgspec.Struct, frozen=True, tag="jumped"):
    """A replay stands elsewhere: what was shown is void, ask history. Never on the wire."""


class Link(msgspec.Struct, frozen=True, tag="link"):
    """The client's own word on its connection; never on the wire. ``why`` is a sentence."""

    up: bool
    why: str = ""


Update = RecordUpdate | LateUpdate | ListsUpdate | Status | Missed | Jumped | Link


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One call. ``do`` is a method name of :class:`monitor.control.server.Server`."""

    id: int
    do: str
    args: dict[str, Any] = {}


class Response(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="response"):
    """The answer to one request; ``error`` is a sentence for the operator."""

    id: int
    result: Any = None
    error: str = ""


__all__ = [
    "PROTOCOL",
    "Draft",
    "Entry",
    "Jumped",
    "LateUpdate",
    "Link",
    "ListsUpdate",
    "Missed",
    "RecordUpdate",
    "Request",
    "Response",
    "Status",
    "Update",
]
