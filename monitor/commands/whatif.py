"""``mxtap whatif``: rules held against what happened, without touching mail."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from monitor.commands.past import Past, PastError, moment_of, opened
from monitor.config import ConfigError, Settings
from monitor.findings.answers import canonical
from monitor.findings.dmarc.walk import registered
from monitor.findings.greylist.whitelist import load
from monitor.insight.render.answer import written
from monitor.insight.whatif.answer import Answer
from monitor.insight.whatif.scenario import Scenario
from monitor.insight.whatif.trial import Trial
from monitor.insight.whatif.words import FORMS, Given, drafts_of, scenario
from monitor.policy.entry import Draft


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
    """Print the answer; 1 where there is no history."""
    bans = _bans(args.bans) if args.bans else []
    try:
        with opened(args.capture, settings) as past:
            scenarios = _scenarios(args, settings, past, bans)
            since = moment_of(args.since, past.until) if args.since else past.since
            answer = _tried(past, since, scenarios)
    except PastError as error:
        print(f"mxtap: {error}", file=sys.stderr)
        return 1
    if args.json:
        print(msgspec.json.encode(answer).decode())
    else:
        print("\n".join(written(answer, max(0, args.limit))))
    return 0


def _scenarios(
    args: argparse.Namespace, settings: Settings, past: Past, bans: Sequence[Draft]
) -> list[Scenario]:
    given = Given(
        greylist=settings.greylist,
        whitelist=load(settings.greylist),
        in_force=past.entries(),
        validating=[registered(canonical(name)) for name in args.validates],
        bans=bans,
    )
    try:
        return [scenario(word, given) for word in dict.fromkeys(args.scenarios)]
    except ValueError as error:
        raise ConfigError(str(error)) from None


def _tried(past: Past, since: float, scenarios: Sequence[Scenario]) -> Answer:
    trial = Trial(scenarios, past.entries())
    if trial.learns:
        for record in past.records(since):
            trial.learn(record)
        for who, spoken in trial.wants():
            trial.hear(who, spoken, past.transcript(spoken))
    for record in past.records(since):
        trial.judge(record)
    return trial.answer(since, past.until)


def _bans(path: Path) -> list[Draft]:
    try:
        return drafts_of(path.read_text("utf-8", "replace").splitlines())
    except OSError as error:
        raise ConfigError(f"--bans {path}: {error.strerror}") from None
    except ValueError as error:
        raise ConfigError(f"--bans {path}: {error}") from None
