"""What all checks of one examination share: its DNS questions, its deadline, its findings."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Hashable
from typing import TypeVar

from monitor.checks.judgements import Judgements
from monitor.checks.settle import Inquiry
from monitor.dns import Resolver
from monitor.events import Finding
from monitor.findings.answers import Ask
from monitor.findings.catalogue import finding

__all__ = ["Stage"]

T = TypeVar("T")
D = TypeVar("D")

GRACE = 0.25  # seconds, for what remains to be done when DNS had all of the deadline

log = logging.getLogger(__name__)


class Stage:
    """One examination; enter it in a running loop. ``faults`` tells the checks that failed."""

    def __init__(
        self, resolver: Resolver, judgements: Judgements, *, questions: int, deadline: float
    ) -> None:
        """``deadline`` is seconds from now, for everything together."""
        ends = asyncio.get_running_loop().time() + deadline
        self.ask = Inquiry(resolver, questions=questions, deadline=ends, judgements=judgements)
        self._faults: list[Finding] = []
        self._ends = ends + GRACE

    def __enter__(self) -> Stage:
        return self

    def __exit__(self, *_: object) -> None:
        self.ask.close()

    @property
    def faults(self) -> list[Finding]:
        """What is to be told of the examination itself."""
        if not self.ask.refused:
            return self._faults
        text = "not every DNS question was asked"
        return [*self._faults, finding("relay.limit", text, limit="checks.questions")]

    def limit(self) -> asyncio.Timeout:
        """A block that waits for anything but DNS, whose answers have the deadline already."""
        return asyncio.timeout_at(self._ends)

    async def settle(
        self,
        check: str,
        work: Callable[[Ask], T],
        default: D,
        key: Hashable = None,
        keep: Callable[[T], bool] | None = None,
    ) -> T | D:
        """As :meth:`run`, of work that asks: see :meth:`Inquiry.settle`."""
        try:
            return await self.ask.settle(work, key, keep)
        except Exception as error:
            self._failed(check, error)
            return default

    async def run(self, check: str, work: Awaitable[T], default: D) -> T | D:
        """What ``work`` gives; ``default``, and a fault, where it fails."""
        try:
            return await work
        except Exception as error:
            self._failed(check, error)
            return default

    def _failed(self, check: str, error: Exception) -> None:
        if isinstance(error, TimeoutError):
            reason = "did not end in time"
        else:
            log.error("the %s check failed", check, exc_info=error)
            reason = type(error).__name__
        self._faults.append(finding("relay.check-failed", f"{check}: {reason}", check=check))
