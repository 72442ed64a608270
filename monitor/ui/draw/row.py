"""A transaction on one line."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rich.style import Style

from monitor.events import SEVERITIES, Finding
from monitor.record import Record
from monitor.ui.draw.columns import Column, Spec
from monitor.ui.draw.line import Line
from monitor.ui.look import Look
from monitor.ui.state.rates import outcome

__all__ = ["COLUMNS", "draw_record", "recipients", "reverse_path", "worst_finding"]

COLUMNS = (
    Spec("time", "Time", 8, 8),
    Spec("ip", "Client", 15, 24, 2, keep="middle"),
    Spec("name", "Name", 16, 36, 4, wide=104, keep="end"),
    Spec("from", "From", 18, 40, 5, keep="middle"),
    Spec("to", "To", 11, 32, 3, keep="middle"),
    Spec("code", "SMTP", 4, 4),
    Spec("outcome", "", 8, 8, wide=128),
    Spec("finding", "Worst finding", 16, 60, 4),
)


def reverse_path(record: Record) -> str:
    """The sender as RFC 5321 writes it: ``<>`` is the null reverse-path."""
    if record.mail_from is None:
        return "(no MAIL)"
    return record.mail_from or "<>"


def recipients(record: Record) -> str:
    """The first recipient, and how many more there are."""
    if not record.rcpts:
        return ""
    more = f" +{len(record.rcpts) - 1}" if len(record.rcpts) > 1 else ""
    return record.rcpts[0].address + more


def worst_finding(record: Record) -> Finding | None:
    """The gravest finding, the first of them; None where nothing was found."""
    return max(record.findings, key=lambda f: SEVERITIES.index(f.severity), default=None)


def clock_time(moment: datetime) -> str:
    """The time of day here."""
    return moment.astimezone().strftime("%H:%M:%S")


def draw_record(record: Record, columns: Sequence[Column], look: Look) -> Line:
    """One row of the live table, without the cursor's column."""
    line = Line()
    for index, column in enumerate(columns):
        if index:
            line.gap()
        if column.name == "finding":
            _draw_finding(line, record, column.width, look)
        else:
            text, style = _cell(column.name, record, look)
            line.put(text, style, column.width, column.keep)
    return line


def _cell(name: str, record: Record, look: Look) -> tuple[str, Style]:
    match name:
        case "time":
            return clock_time(record.ended), look.palette.muted
        case "ip":
            return record.client.ip, look.palette.text
        case "name":
            return record.client.name or record.client.helo or "", look.palette.muted
        case "from":
            known = record.mail_from is not None
            return reverse_path(record), look.palette.text if known else look.palette.muted
        case "to":
            return recipients(record), look.palette.text
        case "code":
            code = record.verdict.code
            return str(code) if code else "-", look.palette.code(code)
        case "outcome":
            code = record.verdict.code
            word = "banned" if record.verdict.by == "mxtap" and code >= 400 else outcome(code)
            return word if code else "", look.palette.code(code)
    raise KeyError(name)


def _draw_finding(line: Line, record: Record, cells: int, look: Look) -> None:
    finding = worst_finding(record)
    if finding is None:
        line.gap(cells)
        return
    if finding.severity == "good":  # nothing to mend: say in what it is good
        families = dict.fromkeys(f.code.partition(".")[0] for f in record.findings)
        mark = look.marks.severity["good"]
        line.put(f"{mark} {' '.join(families)}", look.palette.good, cells)
        return
    style = look.palette.severity(finding.severity)
    grave = sum(1 for f in record.findings if f.severity in ("warning", "error"))
    more = f" +{grave - 1}" if grave > 1 and cells > 24 else ""
    line.put(look.marks.severity[finding.severity], style).gap()
    line.put(finding.code, style, cells - 2 - len(more))
    if more:
        line.put(more, look.palette.muted)
