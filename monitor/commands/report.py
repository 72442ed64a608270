"""``mxtap report``: report cards of senders, from a relay's history or from captures."""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Iterable
from pathlib import Path

import msgspec

from monitor.commands.past import Past, PastError, moment_of, opened
from monitor.config import ConfigError, Settings
from monitor.findings.answers import canonical
from monitor.findings.dmarc.walk import registered
from monitor.insight.cards import Card, Report
from monitor.insight.grading import Grading
from monitor.insight.render.page import to_html
from monitor.insight.render.table import to_csv
from monitor.insight.render.text import compared, details, overview

FORMATS = ("text", "json", "html", "csv")


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    parser.add_argument(
        "files", nargs="*", type=Path, metavar="FILE", help="captures, in place of the history"
    )
    parser.add_argument("--sender", metavar="X", help="one sender in detail: a domain or network")
    parser.add_argument("--compare", metavar="Y", help="with --sender: two senders side by side")
    parser.add_argument("--since", metavar="T", help="RFC 3339, or an age (7d; captures: all)")
    parser.add_argument("--format", choices=FORMATS, default="text", help="text")
    parser.add_argument(
        "--limit", type=int, default=100, metavar="N", help="senders in text and HTML (100)"
    )


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Print the report; 1 where there is no history, or no such sender in it."""
    if args.compare and not args.sender:
        raise ConfigError("--compare: with whom? name one sender with --sender")
    wanted = [canonical(name) for name in (args.sender, args.compare) if name]
    try:
        with opened(args.files, settings) as past:
            since = moment_of(args.since, past.until) if args.since else past.since
            report = _graded(past, since).report()
    except PastError as error:
        print(f"mxtap: {error}", file=sys.stderr)
        return 1
    try:
        cards = tuple(_find(name, report.senders) for name in wanted)
    except LookupError as error:
        print(f"mxtap: {error.args[0]}", file=sys.stderr)
        return 1
    if cards:
        report = msgspec.structs.replace(report, senders=cards)
    form = "json" if args.json else args.format
    sys.stdout.write(_written(report, form, max(0, args.limit), len(cards)))
    return 0


def _graded(past: Past, since: float) -> Grading:
    grading = Grading(since, past.until)
    for record in past.records(since):
        grading.add(record)
    return grading


def _find(name: str, cards: Iterable[Card]) -> Card:
    """The card of a sender: by its name, or by that of one of its hosts. Raises LookupError."""
    by_name = {card.sender: card for card in cards}
    for each in (name, registered(name)):
        if each in by_name:
            return by_name[each]
    near = difflib.get_close_matches(name, by_name, 3)
    hint = f"; did you mean {' or '.join(near)}?" if near else ""
    raise LookupError(f"{name} sent nothing in this time{hint}")


def _written(report: Report, form: str, limit: int, asked: int) -> str:
    match form:
        case "json":
            return msgspec.json.encode(report).decode() + "\n"
        case "csv":
            return to_csv(report)
        case "html":
            return to_html(report, limit, beside=asked == 2)
    match report.senders if asked else ():
        case (one, other):
            lines = compared(one, other)
        case (card,):
            lines = details(card)
        case _:
            lines = overview(report, limit)
    return "\n".join(lines) + "\n"
