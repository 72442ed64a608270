"""Conduct acted upon: a session that showed a fault is refused or dropped, and hears why."""

from __future__ import annotations

from typing import NamedTuple, get_args

from monitor.config import Act
from monitor.config import Conduct as Rules
from monitor.events import Closed, Event, Finding, Found, Phase
from monitor.findings.catalogue import CATALOGUE
from monitor.policy.ruling import PASS, Ruling, Stage

EARLY = "conduct.early-talker"


class Fault(NamedTuple):
    """What a session is held to."""

    code: str
    act: Act


class Conducting:
    """A ruler: it hears what was found, and rules from the next stage of the session on.

    What a command shows is found before the relay asks about that command, so the next stage
    is the command's own. A message shows its faults before its end of data is ruled upon;
    what the upstream has taken is never touched.
    """

    def __init__(self, rules: Rules) -> None:
        self._acts = {code: act for code, act in _acts(rules).items() if act != "note"}
        self._faults: dict[str, Fault] = {}  # by session
        self.phases: tuple[Phase, ...] = get_args(Phase) if self._acts else ()

    def hear(self, event: Event) -> None:
        """Take in one event of any session."""
        if isinstance(event, Found):
            for finding in event.findings:
                self._note(event.session, finding)
        elif isinstance(event, Closed):
            self._faults.pop(event.session, None)

    def __call__(self, stage: Stage) -> Ruling:
        """What the faults so far come to at ``stage``."""
        fault = self._faults.get(stage.session)
        if fault is None and stage.early and EARLY in self._acts:
            fault = Fault(EARLY, self._acts[EARLY])
        if fault is None:
            return PASS
        why = CATALOGUE[fault.code].title
        if fault.act == "drop":
            return Ruling(action="defer", code=421, text=f"4.7.0 closing for bad conduct: {why}")
        code = 554 if stage.phase == "connect" else 550  # RFC 5321 3.1
        return Ruling(action="reject", code=code, text=f"5.7.1 refused for bad conduct: {why}")

    def _note(self, session: str, finding: Finding) -> None:
        act = self._acts.get(finding.code)
        # What is told as mere information is no fault: recipients pipelined with DATA, say.
        if act is None or finding.severity == "info":
            return
        if session not in self._faults or act == "drop":
            self._faults[session] = Fault(finding.code, act)


def _acts(rules: Rules) -> dict[str, Act]:
    return {
        EARLY: rules.early_talker,
        "conduct.unannounced-pipelining": rules.unannounced_pipelining,
        "conduct.not-smtp": rules.not_smtp,
        # Not helo-mismatch: mail must not be refused for that (RFC 5321 4.1.4).
        "conduct.helo-syntax": rules.helo,
        "conduct.helo-is-us": rules.helo,
        "conduct.ignored-rejection": rules.ignored_rejection,
        "conduct.data-after-no-recipients": rules.data_after_no_recipients,
        "conduct.8bit-unannounced": rules.unannounced_8bit,
        "conduct.smuggling": rules.smuggling,
    }
