"""The command line: which command, which settings. No logic."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import os
import sys
from pathlib import Path
from typing import Any, NamedTuple

from monitor import __version__
from monitor.config import ConfigError, load


class Command(NamedTuple):
    """Where a command lives, and what it does in a few words."""

    module: str
    help: str
    suffix: str = ""  # of configure and run, where one module holds several commands


COMMANDS = {
    "demo": Command("demo", "see it work: senders, DNS, relay and UI, all on this machine"),
    "run": Command("run", "start the relay and its UI"),
    "serve": Command("serve", "the relay alone, for systemd"),
    "attach": Command("attach", "the UI on a running relay"),
    "events": Command("events", "ended transactions as JSON lines"),
    "ban": Command("lists", "ban an address, network, HELO, sender, domain or DKIM domain", "_ban"),
    "allow": Command("lists", "allowlist one", "_allow"),
    "lists": Command("lists", "show the bans and allowances in force", "_lists"),
    "unlist": Command("lists", "end a ban or allowance", "_unlist"),
    "replay": Command("replay", "the UI on a captured session"),
    "resend": Command("resend", "play a captured session's client side to a test server"),
    "check": Command("check", "findings for one message"),
    "report": Command("report", "report cards of senders"),
    "whatif": Command("whatif", "what a rule would have done to past mail"),
    "letter": Command("letter", "a letter to a sender's postmaster, from what was seen"),
    "doctor": Command("doctor", "is this machine ready for mail, and what is to be mended"),
    "config": Command("config", "show and check the settings"),
}


def parser(selected: str) -> argparse.ArgumentParser:
    """The parser of the command line; only the selected command is imported."""
    top = argparse.ArgumentParser(prog="mxtap", description="A live monitor for mail traffic.")
    top.add_argument("--version", action="version", version=f"mxtap {__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, command in COMMANDS.items():
        sub = commands.add_parser(name, help=command.help, description=f"mxtap: {command.help}")
        if name != selected:
            continue
        _common(sub)
        module = importlib.import_module(f"monitor.commands.{command.module}")
        getattr(module, f"configure{command.suffix}")(sub)
        sub.set_defaults(run=getattr(module, f"run{command.suffix}"))
    return top


def _common(sub: argparse.ArgumentParser) -> None:
    group = sub.add_argument_group("common options")
    group.add_argument("-c", "--config", type=Path, metavar="FILE", help="settings, TOML")
    group.add_argument("--state", metavar="DIR", help="database, control socket, captures")
    group.add_argument("--dns", metavar="ADDR:PORT", help="the resolver to ask")
    group.add_argument("--dns-zone", metavar="FILE", help="answer DNS from this file only")
    group.add_argument("--json", action="store_true", help="machine-readable output")
    group.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="any setting, as in the TOML file: --set tls.minimum=TLSv1.3",
    )


def relay_options(sub: argparse.ArgumentParser) -> None:
    """The options of the commands that start a relay."""
    sub.add_argument(
        "--listen", action="append", metavar="ADDR:PORT", help="where clients connect; repeatable"
    )
    sub.add_argument("--upstream", metavar="ADDR:PORT", help="the real MTA")
    sub.add_argument("--name", help="this relay's name, for its own replies and certificate")
    sub.add_argument("--identity", choices=["auto", "xclient", "proxy", "none"])
    sub.add_argument(
        "--allow-root", action="store_const", const=True, help="serve as root, at your own risk"
    )


def flags(args: argparse.Namespace) -> dict[str, Any]:
    """The settings that the command line names. Raises ConfigError."""
    tree: dict[str, Any] = {}
    for key in ("state", "listen", "upstream", "name", "identity", "allow_root"):
        if (value := getattr(args, key, None)) is not None:
            tree[key] = value
    for flag, key in (("dns", "server"), ("dns_zone", "zone")):
        if (value := getattr(args, flag, None)) is not None:
            tree.setdefault("dns", {})[key] = value
    for assignment in args.set:
        key, equals, value = assignment.partition("=")
        if not equals:
            raise ConfigError(f"--set {assignment}: expected KEY=VALUE")
        *tables, last = key.strip().split(".")
        branch = tree
        for table in tables:
            branch = branch.setdefault(table, {})
        branch[last] = value
    return tree


def main(argv: list[str] | None = None) -> int:
    """Run one command; its exit code."""
    words = sys.argv[1:] if argv is None else argv
    args = parser(words[0] if words else "").parse_args(words)
    try:
        file = args.config or (Path(p) if (p := os.environ.get("MXTAP_CONFIG")) else None)
        settings = load(file, flags=flags(args))
        return int(args.run(args, settings))
    except ConfigError as error:
        print(f"mxtap: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader of our output went away: nothing is left to say to it.
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


if __name__ == "__main__":
    sys.exit(main())
