"""One attempt to deliver, and the chain of attempts that belong to one message."""

from __future__ import annotations

from typing import Literal

import msgspec

from monitor.findings.pools import Pool

MAX_ATTEMPTS = 12  # that a chain shows; it counts them all
MAX_NETWORKS = 8  # that are told apart
HOP = 512  # octets by which another host's own Received line may change SIZE

Certainty = Literal["sure", "likely", "possible"]
Fate = Literal["accepted", "deferred", "refused"]


class Attempt(msgspec.Struct, array_like=True, frozen=True):
    """One attempt for one recipient. Times are epoch seconds."""

    began: float
    ended: float  # when the deciding reply was out
    transaction: str
    ip: str
    listener: str  # a digest of the relay and its address that was tried
    code: int
    phase: str
    size: int = 0  # as declared with SIZE (RFC 1870); 0 where it was not
    message: str = ""  # a digest of what was sent; "" where it never came to that
    asked: float = 0.0  # seconds that the reply asked to wait
    void: bool = False  # it failed for a fault that is not the sender's
    fallback: bool = False  # the next MX, tried at once

    @property
    def fate(self) -> Fate:
        """What became of it."""
        if self.code >= 500:
            return "refused"
        return "deferred" if self.code >= 400 else "accepted"

    @property
    def session(self) -> str:
        """The session that it was made in."""
        return self.transaction.rpartition("-")[0]

    @property
    def counts(self) -> bool:
        """It is an attempt that the sender answers for."""
        return not (self.void or self.fallback)


class Chain(msgspec.Struct, array_like=True):
    """The attempts that seem to be of one message, to one recipient."""

    sender: str
    recipient: str
    attempts: list[Attempt] = []
    networks: list[str] = []
    spf: str = ""
    organisation: str = ""
    count: int = 0  # attempts that count, in all
    burst: int = 0  # those of them soon after the first 4xx
    resets: int = 0  # moves to a network that had not tried
    deaf: int = 0  # attempts after a 5xx
    blemished: bool = False  # something was said against it
    gave_up: float = 0.0  # when that was told

    @property
    def first(self) -> Attempt:
        """The first attempt."""
        return self.attempts[0]

    @property
    def last(self) -> Attempt:
        """The last attempt."""
        return self.attempts[-1]

    @property
    def interval(self) -> float:
        """Seconds between the last two attempts that count; 0 where there are no two."""
        counted = [attempt for attempt in self.attempts if attempt.counts]
        return counted[-1].began - counted[-2].ended if len(counted) > 1 else 0.0

    def add(self, attempt: Attempt, pool: Pool) -> None:
        """Take one more attempt in."""
        self.attempts.append(attempt)
        if len(self.attempts) > MAX_ATTEMPTS:
            del self.attempts[1]  # the first one tells since when
        self.count += attempt.counts
        if pool.network not in self.networks:
            self.resets += bool(self.networks)
            self.networks = [*self.networks, pool.network][-MAX_NETWORKS:]
        self.spf = pool.spf or self.spf
        self.organisation = pool.organisation or self.organisation


def certainty(chain: Chain, attempt: Attempt, pool: Pool) -> Certainty | None:
    """How sure it is that ``attempt`` is of the same message; None where it is another.

    What began before the last reply was out is no answer to that reply. A client that goes
    on in the same session more likely has a second message than tries the first one again.
    """
    if attempt.began < chain.last.ended:
        return None
    sent = [a.message for a in chain.attempts if a.message]
    if sent and attempt.message:
        return "sure" if attempt.message in sent else None
    if not _same_size(chain.last, attempt):
        return None
    if pool.network in chain.networks or (pool.spf and pool.spf == chain.spf):
        undeclared = not attempt.size
        again = undeclared and (attempt.phase == "mail" or attempt.session == chain.last.session)
        return "possible" if again else "likely"
    if pool.organisation and pool.organisation == chain.organisation:
        return "possible"
    return None


def _same_size(before: Attempt, now: Attempt) -> bool:
    if before.size == now.size:
        return True
    moved = before.ip != now.ip and before.size and now.size
    return bool(moved) and abs(before.size - now.size) <= HOP
