"""What an entry of the lists means for a session: the reply, and the finding."""

from __future__ import annotations

from typing import Any

from monitor.findings.catalogue import finding
from monitor.policy.entry import Entry
from monitor.policy.ruling import Ruling, Stage


def ruling(entry: Entry, stage: Stage) -> Ruling:
    """The ruling that ``entry`` makes at ``stage``."""
    evidence: dict[str, Any] = {
        "entry": entry.id,
        "kind": entry.kind,
        "value": entry.value,
        "by": entry.by,
        "reason": entry.reason,
        "expires": entry.expires.isoformat() if entry.expires else None,
    }
    detail = f"{entry.kind} {entry.value}" + (f": {entry.reason}" if entry.reason else "")
    if entry.list == "allow":
        return Ruling(findings=(finding("list.allowed", detail, **evidence),))
    found = (finding("list.banned", detail, action=entry.action, **evidence),)
    why = f": {entry.reason}" if entry.reason else ""
    opening = stage.phase == "connect"
    if entry.action == "defer":
        code, text = 421 if opening else 451, f"4.7.1 not now, by local policy{why}"
    else:
        code, text = 554 if opening else 550, f"5.7.1 refused by local policy{why}"
    return Ruling(action=entry.action, code=code, text=text, findings=found)
