"""What every session of a relay shares."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import cast

from monitor.checks.case import Checks
from monitor.config import Limits, Settings
from monitor.policy.ruling import Hub
from monitor.relay.identity import Guard
from monitor.relay.journal import Journal
from monitor.relay.kept import MOST, Kept
from monitor.relay.spool import Spool
from monitor.relay.tally import OwnTally, Tally


@dataclass(slots=True)
class Context:
    """The relay's parts, and what is in hand."""

    settings: Settings
    hub: Hub
    checks: Checks
    guard: Guard
    spool: Spool
    journal: Journal
    tls: Callable[[], ssl.SSLContext | None]  # each hears its own ClientHello
    tls_done: Callable[[ssl.SSLContext], None]
    suites: dict[int, str] = field(default_factory=dict)
    clock: Callable[[], float] = time.time
    sessions: set[asyncio.Task[None]] = field(default_factory=set)
    commits: set[asyncio.Task[None]] = field(default_factory=set)
    tally: Tally = field(default_factory=OwnTally)
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)  # to read a large piece of a message
    draining: bool = False
    mark: str = ""  # ends the ids of sessions: unlike those of the relay's other processes
    upstream_up: bool | None = None  # as the last attempt found it
    met_at: float = 0.0  # when that was
    limits: Limits = field(init=False)  # those of the settings
    kept: Kept = field(init=False)

    def __post_init__(self) -> None:
        # Plain attributes: each look at one of a pydantic model takes ten times as long.
        self.limits = cast(Limits, SimpleNamespace(**dict(self.settings.limits)))
        self.kept = Kept(self.limits.upstream_keep, max(1, MOST // self.settings.workers))

    def met(self, up: bool) -> None:
        """Note what an attempt to reach the upstream found."""
        self.upstream_up, self.met_at = up, self.clock()
