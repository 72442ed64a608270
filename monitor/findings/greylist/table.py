"""The greylist: who tried when, who may pass, and how long the others have still to wait."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import msgspec

from monitor.config import Greylist as Rules
from monitor.findings.memory import Memory
from monitor.findings.pools import digest, forward_path, reverse_path

State = Literal["deferred", "too-early", "passed", "known", "auto-allowed"]

KEYS = "greylist"
POOLS = "greylist-pool"


class Key(NamedTuple):
    """A delivery attempt: everything that tries to deliver it again has the same key."""

    sender: str
    recipient: str
    pool: str

    @classmethod
    def of(cls, sender: str, recipient: str, pool: str) -> Key:
        """The key of an envelope, without what changes from one attempt to the next."""
        return cls(reverse_path(sender), forward_path(recipient), pool)

    @property
    def name(self) -> str:
        """The key as a memory keeps it."""
        return digest(*self)


class Decision(NamedTuple):
    """What greylisting makes of one attempt. Times are seconds."""

    state: State
    key: Key
    age: float = 0.0  # since the first attempt; of the pool's first pass where auto-allowed
    left: float = 0.0  # until an attempt would pass

    @property
    def defers(self) -> bool:
        """The attempt has to be made again."""
        return self.state in ("deferred", "too-early")

    @property
    def evidence(self) -> dict[str, Any]:
        """The decision as a finding shows it."""
        return {
            "key": list(self.key),
            "age": round(self.age, 1),
            "left": round(self.left, 1),
        }


class _Entry(msgspec.Struct, array_like=True):
    first: float
    passed: bool = False
    last: float = 0.0


class _Pool(msgspec.Struct, array_like=True):
    passes: int
    first: float
    last: float


class Greylist:
    """Decides by time alone; the memory is bounded and outlives a restart.

    An attempt passes when ``delay`` is over since the first one of its key, and
    ``retry_window`` is not (RFC 6647 2.3 to 2.5). What passed is known as long as it comes
    again within ``remember``, and a pool that passed ``auto_allow`` times is not asked.
    """

    def __init__(self, rules: Rules, memory: Memory) -> None:
        self._rules = rules
        self._memory = memory

    def decide(self, key: Key, at: float) -> Decision:
        """Take one attempt into account and tell what becomes of it."""
        rules = self._rules
        pool = self._pool(key.pool, at)
        if pool and rules.auto_allow and pool.passes >= rules.auto_allow:
            self._keep_pool(key.pool, pool, at)
            return Decision("auto-allowed", key, at - pool.first)
        entry = self._entry(key, at)
        if entry is None:
            self._keep(key, _Entry(at, last=at), at + rules.retry_window)
            return Decision("deferred", key, 0.0, rules.delay)
        age = max(0.0, at - entry.first)
        if not entry.passed and age < rules.delay:
            return Decision("too-early", key, age, rules.delay - age)
        self._keep(key, _Entry(entry.first, passed=True, last=at), at + rules.remember)
        if entry.passed:
            return Decision("known", key, age)
        passes = _Pool((pool.passes if pool else 0) + 1, pool.first if pool else at, at)
        self._keep_pool(key.pool, passes, at)
        return Decision("passed", key, age)

    def _entry(self, key: Key, at: float) -> _Entry | None:
        raw = self._memory.get(KEYS, key.name)
        if raw is None:
            return None
        entry = msgspec.json.decode(raw, type=_Entry)
        life = self._rules.remember if entry.passed else self._rules.retry_window
        return entry if at - entry.last <= life else None

    def _keep(self, key: Key, entry: _Entry, expires: float) -> None:
        self._memory.put(KEYS, key.name, msgspec.json.encode(entry), expires)

    def _pool(self, name: str, at: float) -> _Pool | None:
        raw = self._memory.get(POOLS, name)
        if raw is None:
            return None
        pool = msgspec.json.decode(raw, type=_Pool)
        return pool if at - pool.last <= self._rules.remember else None

    def _keep_pool(self, name: str, pool: _Pool, at: float) -> None:
        pool.last = at
        self._memory.put(POOLS, name, msgspec.json.encode(pool), at + self._rules.remember)
