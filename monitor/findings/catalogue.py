"""Every finding code once: its severity, its title, what the sender should mend, the source.

Codes are an interface: scripts outside check for them. Add freely, never rename.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from monitor.events import Finding, Severity


class Entry(NamedTuple):
    """One code of the catalogue."""

    severity: Severity
    title: str
    advice: str  # one sentence that tells the sender what to mend; "" where nothing is wrong
    reference: str  # RFC and section


CATALOGUE: dict[str, Entry] = {}


def finding(
    code: str, detail: str = "", *, severity: Severity | None = None, **evidence: Any
) -> Finding:
    """A finding of the catalogue, with what was seen. Raises KeyError for an unknown code.

    ``severity`` overrides the catalogue's where bands decide it.
    """
    entry = CATALOGUE[code]
    return Finding(
        code=code,
        severity=severity or entry.severity,
        title=entry.title,
        detail=detail,
        evidence=evidence,
    )
