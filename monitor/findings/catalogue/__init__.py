"""Every finding code once: its severity, its title, what the sender should mend, the source.

Codes are an interface: scripts outside check for them. Add freely, never rename.
"""

from __future__ import annotations

from typing import Any

from monitor.events import Finding, Severity
from monitor.findings.catalogue import (
    conduct,
    dkim,
    dmarc,
    greylist,
    relay,
    report,
    retry,
    routing,
    spf,
    tls,
)
from monitor.findings.catalogue.entry import Entry

__all__ = ["CATALOGUE", "Entry", "finding"]

CATALOGUE: dict[str, Entry] = {
    **spf.ENTRIES,
    **dkim.ENTRIES,
    **dmarc.ENTRIES,
    **report.ENTRIES,
    **retry.ENTRIES,
    **greylist.ENTRIES,
    **conduct.ENTRIES,
    **tls.ENTRIES,
    **routing.ENTRIES,
    **relay.ENTRIES,
}


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
