"""``mxtap doctor``: is this machine ready for mail, and what is to be mended."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys

import msgspec

from monitor.config import ConfigError, Settings
from monitor.dns.choose import open_resolver
from monitor.dns.zone import ZoneError
from monitor.doctor.check import Check, exit_code
from monitor.doctor.gather import Doctor
from monitor.doctor.show import lines


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    from monitor.cli import relay_options

    parser.add_argument(
        "--domain",
        action="append",
        default=[],
        metavar="D",
        help="a domain to examine instead of local_domains; repeatable",
    )
    parser.add_argument(
        "--selector", action="append", default=[], metavar="S", help="of your DKIM keys; repeatable"
    )
    relay_options(parser)


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Examine and tell; 1 where something is in error."""
    checks = asyncio.run(_examine(args, settings))
    if args.json:
        print(msgspec.json.encode(checks).decode())
    else:
        colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        print("\n".join(lines(checks, colour=colour)))
    return exit_code(checks)


async def _examine(args: argparse.Namespace, settings: Settings) -> list[Check]:
    try:
        resolver = open_resolver(settings)
    except ZoneError as error:
        raise ConfigError(f"dns.zone: {error}") from None
    doctor = Doctor(settings, resolver, domains=args.domain, selectors=args.selector)
    return await doctor.examine()
