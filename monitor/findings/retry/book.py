"""Chains of attempts as a memory keeps them: by reverse-path and recipient."""

from __future__ import annotations

import msgspec

from monitor.config import Retry
from monitor.findings.memory import Memory
from monitor.findings.pools import Pool, digest
from monitor.findings.retry.attempt import Attempt, Certainty, Chain, certainty

KIND = "retry"
MAX_CHAINS = 8  # of one sender and recipient: what waits beside them is forgotten
GRACE = 86_400.0  # seconds that a chain is kept after it was to be looked at

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Chain]).decode


class Book:
    """Reads and writes the chains of one sender and recipient at a time."""

    def __init__(self, rules: Retry, memory: Memory) -> None:
        self._rules = rules
        self._memory = memory

    def open(self, sender: str, recipient: str, now: float) -> list[Chain]:
        """Their chains that are not forgotten by ``now``, epoch seconds."""
        raw = self._memory.get(KIND, digest(sender, recipient))
        return self._kept(decoded(raw), now) if raw else []

    def close(self, sender: str, recipient: str, chains: list[Chain], now: float) -> None:
        """Keep them, without those whose time is over."""
        key = digest(sender, recipient)
        kept = sorted(self._kept(chains, now), key=lambda chain: chain.last.ended)[-MAX_CHAINS:]
        if not kept:
            self._memory.drop(KIND, key)
            return
        due = [at for chain in kept if (at := self.due(chain)) is not None]
        self._memory.put(
            KIND,
            key,
            _encode(kept),
            max(map(self._expires, kept)),
            due=min(due, default=None),
        )

    def due(self, chain: Chain) -> float | None:
        """When a sender that stays silent has given up; None where nothing is to be told."""
        if chain.gave_up or chain.last.fate != "deferred" or not chain.count:
            return None
        rules = self._rules
        if chain.count == 1:
            return chain.last.ended + rules.no_retry
        return chain.last.ended + max(rules.silence, 4 * chain.interval)

    def overdue(self, now: float, limit: int) -> list[tuple[str, list[Chain]]]:
        """Keys and chains of which at least one is due."""
        return [(key, decoded(raw)) for key, raw in self._memory.due(KIND, now, limit)]

    def _kept(self, chains: list[Chain], now: float) -> list[Chain]:
        return [chain for chain in chains if self._expires(chain) > now]

    def _expires(self, chain: Chain) -> float:
        kept = chain.last.ended + self._rules.permanent_memory
        return max(kept, (self.due(chain) or 0.0) + GRACE)


def decoded(raw: bytes) -> list[Chain]:
    """Chains from their wire form; none where it is of another version."""
    try:
        return _decode(raw)
    except msgspec.DecodeError:
        return []


def best(chains: list[Chain], attempt: Attempt, pool: Pool) -> tuple[Chain, Certainty] | None:
    """The chain that ``attempt`` belongs to.

    A sure one, else of those that may be it the one that waits longest: where two messages
    wait, the second is not taken for a hasty retry of the first.
    """
    found = [(chain, sure) for chain in chains if (sure := certainty(chain, attempt, pool))]
    rank = {"sure": 0, "likely": 1, "possible": 2}
    return min(found, key=lambda f: (rank[f[1]], f[0].last.ended), default=None)
