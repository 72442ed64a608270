"""Greylisting enforced: 451 with the time left, told once and counted once."""

from __future__ import annotations

import math
from collections import OrderedDict

from monitor.config import Greylist as Rules
from monitor.events import Phase
from monitor.findings.answers import canonical
from monitor.findings.greylist.discipline import describe
from monitor.findings.greylist.table import Greylist, Key
from monitor.findings.greylist.whitelist import Whitelist
from monitor.findings.memory import Memory
from monitor.findings.pools import network
from monitor.policy.ruling import PASS, Ruling, Stage

MAX_WAITING = 1_000  # transactions of the null reverse-path on their way to DATA


class Greylisting:
    """A ruler for RCPT, and at DATA for the null reverse-path.

    A callback verification asks about <> and goes without DATA: to defer it at RCPT would
    hold up mail of our own (RFC 6647 5).
    """

    phases: tuple[Phase, ...] = ("rcpt", "data")

    def __init__(self, rules: Rules, memory: Memory, whitelist: Whitelist) -> None:
        self._greylist = Greylist(rules, memory)
        self._whitelist = whitelist
        self._waiting: OrderedDict[str, list[str]] = OrderedDict()

    def __call__(self, stage: Stage) -> Ruling:
        """What greylisting says at ``stage``."""
        if stage.mail_from is None:
            return PASS
        if stage.phase == "data":
            return self._rule(stage, self._waiting.pop(stage.transaction, []))
        if stage.phase != "rcpt" or stage.rcpt is None or self._exempt(stage, stage.rcpt):
            return PASS
        if stage.mail_from:
            return self._rule(stage, [stage.rcpt])
        self._waiting.setdefault(stage.transaction, []).append(stage.rcpt)
        if len(self._waiting) > MAX_WAITING:
            self._waiting.popitem(last=False)
        return PASS

    def _exempt(self, stage: Stage, rcpt: str) -> bool:
        return self._whitelist.has_client(stage.ip, stage.name) or self._whitelist.has_recipient(
            rcpt
        )

    def _rule(self, stage: Stage, rcpts: list[str]) -> Ruling:
        spf = stage.verified.spf if stage.verified else ""
        pool = canonical(spf) or network(stage.ip)
        decisions = [
            self._greylist.decide(Key.of(stage.mail_from or "", rcpt, pool), stage.at)
            for rcpt in dict.fromkeys(rcpts)
        ]
        found = tuple(describe(decision, "ours") for decision in decisions)
        if not any(decision.defers for decision in decisions):
            return Ruling(findings=found) if found else PASS
        left = max(1, math.ceil(max(decision.left for decision in decisions)))
        return Ruling(
            action="defer",
            code=451,
            text=f"4.7.1 greylisted, try again in {left} seconds",
            findings=found,
        )
