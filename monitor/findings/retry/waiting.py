"""Mail that was told to come back: who waits, how often it was tried, when it is due again."""

from __future__ import annotations

import msgspec

from monitor.findings.memory import Memory
from monitor.findings.retry.attempt import Chain
from monitor.findings.retry.book import KIND, decoded

__all__ = ["MAX_WAITS", "Try", "Wait", "waits"]

MAX_WAITS = 1_000
USUAL = 900.0  # seconds to the first retry that most senders keep to


class Try(msgspec.Struct, frozen=True):
    """One attempt. ``counted`` is false for MX fallback and faults that are not the sender's."""

    at: float
    ip: str
    code: int
    transaction: str
    counted: bool = True


class Wait(msgspec.Struct, frozen=True, kw_only=True):
    """One message that waits, for one recipient ("" where MAIL was deferred).

    Times are epoch seconds; ``expected`` is when the next attempt is likely, and
    ``gave_up`` when it was told that there will be none; 0 for not so far.
    """

    sender: str
    recipient: str
    network: str
    code: int
    count: int
    tries: tuple[Try, ...]
    expected: float
    gave_up: float = 0.0

    @property
    def since(self) -> float:
        """The first attempt."""
        return self.tries[0].at

    @property
    def last(self) -> Try:
        """The last attempt."""
        return self.tries[-1]


def waits(memory: Memory, limit: int = MAX_WAITS) -> list[Wait]:
    """Those that waited last, the longest wait first."""
    found: list[Wait] = []
    for _, raw in memory.newest(KIND, limit):
        found += [_wait(chain) for chain in decoded(raw) if chain.last.fate == "deferred"]
    return sorted(found, key=lambda wait: wait.since)[:limit]


def _wait(chain: Chain) -> Wait:
    last = chain.last
    return Wait(
        sender=chain.sender,
        recipient=chain.recipient,
        network=chain.networks[-1],
        code=last.code,
        count=len(chain.attempts) if chain.count < len(chain.attempts) else chain.count,
        tries=tuple(Try(a.began, a.ip, a.code, a.transaction, a.counts) for a in chain.attempts),
        expected=last.ended + max(last.asked, chain.interval or USUAL),
        gave_up=chain.gave_up,
    )
