"""What greylisting makes of each attempt: the upstream's, and what ours would have done.

Where ours is enforced it is the ruling that decides and tells (``policy/greylist.py``), so
that an attempt is counted once.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from monitor import events as ev
from monitor.config import Greylist as Rules
from monitor.findings.catalogue import finding
from monitor.findings.greylist.replies import compiled, recognise
from monitor.findings.greylist.table import Decision, Greylist, Key
from monitor.findings.greylist.upstream import Upstream
from monitor.findings.greylist.whitelist import Whitelist
from monitor.findings.memory import Memory
from monitor.findings.outcome import outcome
from monitor.findings.pools import pool_key
from monitor.findings.views import Session, Transaction

MAX_TOLD = 20  # findings a transaction; every recipient is counted all the same


class Greylisted:
    """A discipline over ended transactions."""

    hears = (ev.Ended,)

    def __init__(self, rules: Rules, memory: Memory, whitelist: Whitelist) -> None:
        self._observing = rules.mode == "observe"
        self._greylist = Greylist(rules, memory)
        self._upstream = Upstream(memory, rules.retry_window)
        self._whitelist = whitelist
        self._listed = lru_cache(maxsize=8_192)(whitelist.has_client)
        self._patterns = compiled(rules.patterns)

    def __call__(self, view: Session, event: ev.Event) -> Sequence[ev.Finding]:
        """What the attempt that ended tells, for each recipient."""
        tx = view.current
        if not isinstance(event, ev.Ended) or tx is None:
            return ()
        pool = pool_key(view, tx)
        observing = self._observing and not self._exempt(view, tx)
        found: list[ev.Finding] = []
        for rcpt in tx.rcpts:
            if rcpt.by == "mxtap" or rcpt.code >= 500:
                continue
            key = Key.of(tx.mail.address, rcpt.address, pool)
            ours = self._observe(tx, rcpt, key) if observing else None
            found += self._judge(view.opened.ip, rcpt, event, key, ours)
        return found[:MAX_TOLD]

    def _judge(
        self, ip: str, rcpt: ev.Rcpt, ended: ev.Ended, key: Key, ours: Decision | None
    ) -> list[ev.Finding]:
        observed = [describe(ours, "observed")] if ours else []
        more = {"observed": ours.state} if ours else {}
        told = outcome(rcpt, ended)
        if told is None or told.by == "mxtap":
            return observed
        if grey := recognise(told.code, told.reply, self._patterns):
            return list(self._upstream.deferred(key, ip, rcpt.at, grey, **more))
        if told.code < 300 and (found := list(self._upstream.accepted(key, rcpt.at, **more))):
            return found
        return observed

    def _exempt(self, view: Session, tx: Transaction) -> bool:
        """Whether ours would not have been asked about the client."""
        named = view.named
        name = named.name if named and named.confirmed else None
        if self._listed(view.opened.ip, name):
            return True
        return "list.allowed" in [f.code for f in (*view.findings, *tx.findings)]

    def _observe(self, tx: Transaction, rcpt: ev.Rcpt, key: Key) -> Decision | None:
        """What ours would have done, unless it would not have been asked."""
        if self._whitelist.has_recipient(rcpt.address):
            return None
        if tx.mail.address:
            return self._greylist.decide(key, rcpt.at)
        return self._greylist.decide(key, tx.content.at) if tx.content else None


def describe(decision: Decision, whose: str) -> ev.Finding:
    """A decision as a finding; ``whose`` is "ours" where it was enforced, else "observed"."""
    wait = f", {decision.left:.0f} s left" if decision.defers else ""
    would = "would be " if whose == "observed" else ""
    return finding(
        f"greylist.{decision.state}",
        f"{decision.key.recipient}: {would}{decision.state}{wait}",
        whose=whose,
        **decision.evidence,
    )
