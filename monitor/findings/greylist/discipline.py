"""What greylisting makes of each attempt: the upstream's, and what ours would have done.

Where ours is enforced it is the ruling that decides and tells (``policy/greylist.py``), so
that an attempt is counted once.
"""

from __future__ import annotations

from collections.abc import Iterator
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
from monitor.findings.pools import pool_of
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

    def __call__(self, view: Session, event: ev.Event) -> Iterator[ev.Finding]:
        """What the attempt that ended tells, for each recipient."""
        if isinstance(event, ev.Ended) and view.current is not None:
            found = [f for r in view.current.rcpts for f in self._judge(view, r, event)]
            yield from found[:MAX_TOLD]

    def _judge(self, view: Session, rcpt: ev.Rcpt, ended: ev.Ended) -> list[ev.Finding]:
        tx = view.current
        if tx is None or rcpt.by == "mxtap" or rcpt.code >= 500:
            return []
        key = Key.of(tx.mail.address, rcpt.address, pool_of(view, tx).key)
        ours = self._observe(view, tx, rcpt, key)
        more = {"observed": ours.state} if ours else {}
        told = outcome(rcpt, ended)
        if told is None or told.by == "mxtap":
            return [describe(ours, "observed")] if ours else []
        if grey := recognise(told.code, told.reply, self._patterns):
            return list(self._upstream.deferred(key, view.opened.ip, rcpt.at, grey, **more))
        if told.code < 300 and (found := list(self._upstream.accepted(key, rcpt.at, **more))):
            return found
        return [describe(ours, "observed")] if ours else []

    def _observe(self, view: Session, tx: Transaction, rcpt: ev.Rcpt, key: Key) -> Decision | None:
        """What ours would have done, unless it would not have been asked."""
        named = view.named
        name = named.name if named and named.confirmed else None
        if (
            not self._observing
            or any(f.code == "list.allowed" for f in (*view.findings, *tx.findings))
            or self._listed(view.opened.ip, name)
            or self._whitelist.has_recipient(rcpt.address)
        ):
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
