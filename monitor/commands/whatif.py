"""``mxtap whatif``: rules held against what happened, without touching mail."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import msgspec

from monitor.commands.when import moment_of
from monitor.config import ConfigError, Settings
from monitor.insight.questions import StudyError
from monitor.insight.render.answer import written
from monitor.insight.whatif.words import FORMS, drafts_of
from monitor.policy.entry import Draft
from monitor.study.past import opened
from monitor.study.whatif import whatif


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    parser.add_argument(
        "scenarios", nargs="+", metavar="SCENARIO", help=f"one of {', '.join(FORMS)}"
    )
    parser.add_argument("--since", metavar="T", help="RFC 3339, or an age (7d; captures: all)")
    parser.add_argument(
        "--capture", action="append", default=[], type=Path, metavar="FILE",
        help="a capture, in place of the history; repeatable",
    )  # fmt: skip
    parser.add_argument(
        "--bans", type=Path, metavar="FILE", help="for `bans`: a line each, KIND VALUE [ACTION]"
    )
    parser.add_argument(
        "--validates", action="append", default=[], metavar="DOMAIN",
        help="a sender that validates MTA-STS; repeatable",
    )  # fmt: skip
    parser.add_argument(
        "--limit", type=int, default=10, metavar="N", help="senders that are named (10)"
    )


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Print the answer; 1 where there is no history, 2 for a scenario that is none."""
    bans = _bans(args.bans) if args.bans else []
    try:
        with opened(args.capture, settings) as past:
            since = moment_of(args.since, past.until) if args.since else past.since
            answer = whatif(
                past, since, args.scenarios, settings, validating=args.validates, bans=bans
            )
    except ValueError as error:
        raise ConfigError(str(error)) from None
    except StudyError as error:
        print(f"mxtap: {error}", file=sys.stderr)
        return 1
    if args.json:
        print(msgspec.json.encode(answer).decode())
    else:
        print("\n".join(written(answer, max(0, args.limit))))
    return 0


def _bans(path: Path) -> list[Draft]:
    try:
        return drafts_of(path.read_text("utf-8", "replace").splitlines())
    except OSError as error:
        raise ConfigError(f"--bans {path}: {error.strerror}") from None
    except ValueError as error:
        raise ConfigError(f"--bans {path}: {error}") from None
