"""``mxtap report``: report cards of senders, from a relay's history or from captures."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import msgspec

from monitor.commands.when import moment_of
from monitor.config import ConfigError, Settings
from monitor.insight.cards import Report
from monitor.insight.questions import StudyError
from monitor.insight.render.page import to_html
from monitor.insight.render.table import to_csv
from monitor.insight.render.text import compared, details, overview
from monitor.study.past import opened
from monitor.study.report import report

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
    wanted = [name for name in (args.sender, args.compare) if name]
    try:
        with opened(args.files, settings) as past:
            since = moment_of(args.since, past.until) if args.since else past.since
            told = report(past, since, wanted)
    except StudyError as error:
        print(f"mxtap: {error}", file=sys.stderr)
        return 1
    form = "json" if args.json else args.format
    sys.stdout.write(_written(told, form, max(0, args.limit), len(wanted)))
    return 0


def _written(told: Report, form: str, limit: int, asked: int) -> str:
    match form:
        case "json":
            return msgspec.json.encode(told).decode() + "\n"
        case "csv":
            return to_csv(told)
        case "html":
            return to_html(told, limit, beside=asked == 2)
    match told.senders if asked else ():
        case (one, other):
            lines = compared(one, other)
        case (card,):
            lines = details(card)
        case _:
            lines = overview(told, limit)
    return "\n".join(lines) + "\n"
