"""Findings explained: what it is, what was seen, what to tell the sender, who says so."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from rich.text import Text

from monitor.events import SEVERITIES, Finding
from monitor.findings.catalogue import CATALOGUE
from monitor.ui.cells import safe
from monitor.ui.look import Look

__all__ = ["by_gravity", "draw_finding", "draw_findings", "draw_title"]

_MAX_VALUE = 600  # characters of a piece of evidence


def by_gravity(findings: Iterable[Finding]) -> list[Finding]:
    """The findings, the gravest first; equals stay in the order in which they were made."""
    return sorted(findings, key=lambda f: -SEVERITIES.index(f.severity))


def draw_title(finding: Finding, look: Look) -> Text:
    """A finding on one line."""
    style = look.palette.severity(finding.severity)
    return Text.assemble(
        (f"{look.marks.severity[finding.severity]} ", style),
        (safe(finding.title), look.palette.strong),
        ("  ", ""),
        (safe(finding.code), style),
    )


def draw_finding(finding: Finding, look: Look) -> Iterator[Text]:
    """A finding in full, a paragraph each."""
    yield draw_title(finding, look)
    if finding.detail:
        yield Text("  " + safe(finding.detail), look.palette.text)
    entry = CATALOGUE.get(finding.code)
    if entry:
        yield Text("  " + entry.meaning, look.palette.text)
    if entry and entry.advice and finding.severity not in ("good", "info"):
        yield Text.assemble(
            ("  Tell the sender: ", look.palette.accent), (entry.advice, look.palette.text)
        )
    for key, value in finding.evidence.items():
        shown = safe(_value(value))[:_MAX_VALUE]
        yield Text.assemble(
            (f"  {safe(str(key))}: ", look.palette.muted), (shown, look.palette.muted)
        )
    if entry and entry.reference:
        yield Text("  " + entry.reference, look.palette.muted)


def draw_findings(findings: Iterable[Finding], look: Look) -> list[Text]:
    """All findings, the gravest first; good news and notes on a line each."""
    lines: list[Text] = []
    for finding in by_gravity(findings):
        lines.extend(draw_finding(finding, look))
        if finding.severity in ("notice", "warning", "error"):
            lines.append(Text(""))
    return lines or [Text("Nothing was found.", look.palette.muted)]


def _value(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(_value, value))
    if isinstance(value, dict):
        return ", ".join(f"{k} {_value(v)}" for k, v in value.items())
    return "unknown" if value is None else str(value)
