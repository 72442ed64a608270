"""``mxtap letter``: a letter to a sender's postmaster, for a human to read and to send."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import msgspec

from monitor.commands.when import moment_of
from monitor.config import ConfigError, Settings
from monitor.insight.questions import LetterTo, StudyError, Written
from monitor.letter.file import FORMS, form, save
from monitor.letter.recipients import is_address
from monitor.study.answer import answer
from monitor.study.past import opened


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    parser.add_argument("sender", metavar="SENDER", help="a domain, address, IP or network")
    parser.add_argument("--since", metavar="T", help="RFC 3339, or an age (7d; captures: all)")
    parser.add_argument(
        "--capture", action="append", default=[], type=Path, metavar="FILE",
        help="a capture, in place of the history; repeatable",
    )  # fmt: skip
    parser.add_argument("--format", choices=FORMS, default="text", help="text")
    parser.add_argument("--from", dest="writer", default="", metavar="ADDRESS", help="yours")
    parser.add_argument(
        "--full", action="store_true", help="with your users' addresses, which are left out else"
    )
    parser.add_argument("--output", type=Path, metavar="FILE", help="a new file; else it is shown")


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Write the letter; 1 where there is nothing to write of. It is never sent."""
    if args.writer and not is_address(args.writer):
        raise ConfigError(f"--from {args.writer}: is not an address")
    try:
        with opened(args.capture, settings) as past:
            since = moment_of(args.since, past.until) if args.since else None
            question = LetterTo(
                sender=args.sender, since=since, writer=args.writer, redact=not args.full
            )
            written = answer(question, past, settings)
    except StudyError as error:
        print(f"mxtap: {error}", file=sys.stderr)
        return 1
    assert isinstance(written, Written)
    content = msgspec.json.encode(written) + b"\n" if args.json else form(written, args.format)
    if args.output is None:
        sys.stdout.buffer.write(content)
        return 0
    try:
        save(args.output, content)
    except FileExistsError:
        print(f"mxtap: {args.output}: is there already", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"mxtap: {args.output}: {error.strerror}", file=sys.stderr)
        return 1
    return 0
