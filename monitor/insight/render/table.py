"""Report cards as CSV (RFC 4180), a line a sender."""

from __future__ import annotations

import csv
import io

from monitor.insight.cards import Report
from monitor.insight.render.words import costliest
from monitor.insight.rules import SUBJECTS
from monitor.text import printable

__all__ = ["to_csv"]


def to_csv(report: Report) -> str:
    """With a header line; empty cells where there is no grade."""
    out = io.StringIO()
    rows = csv.writer(out)
    heads = ["sender", "proof", "grade", "score", "records", "accepted", "deferred", "refused"]
    heads += ["first", "last", "costliest"]
    for subject in SUBJECTS:
        heads += [f"{subject}_grade", f"{subject}_score", f"{subject}_cases"]
    rows.writerow(heads)
    for card in report.senders:
        row: list[object] = [_plain(card.sender), card.proof, card.grade, card.score, card.records]
        row += [card.messages, card.deferred, card.refused]
        row += [card.first.isoformat(), card.last.isoformat()]
        row.append(next((point.code for point in costliest(card) if point.lost), ""))
        for subject in SUBJECTS:
            told = card.subjects[subject]
            row += [told.grade, told.score, told.cases]
        rows.writerow(row)
    return out.getvalue()


def _plain(text: str) -> str:
    """Text that no spreadsheet takes for a formula."""
    shown = printable(text)
    return f"'{shown}" if shown[:1] in ("=", "+", "-", "@") else shown
