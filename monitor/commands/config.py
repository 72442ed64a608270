"""``mxtap config``: the settings in force, the defaults, or a check of the file."""

from __future__ import annotations

import argparse
import json
from typing import Any

from monitor.config import Settings


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    parser.add_argument("--check", action="store_true", help="only say whether all is valid")
    parser.add_argument("--defaults", action="store_true", help="show the defaults instead")


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Print settings as TOML, or as JSON."""
    if args.check:
        print("{}" if args.json else "the configuration is valid")
        return 0
    shown = Settings() if args.defaults else settings
    tree = shown.model_dump(mode="json")
    print(json.dumps(tree, indent=2) if args.json else "\n".join(toml(shown)))
    return 0


def toml(settings: Settings) -> list[str]:
    """Settings as the lines of a TOML file that gives them again."""
    tree = settings.model_dump(mode="json")
    lines = [_line(k, v) for k, v in tree.items() if not isinstance(v, dict)]
    for table, values in tree.items():
        if isinstance(values, dict):
            lines += ["", f"[{table}]", *(_line(k, v) for k, v in values.items())]
    return lines


def _line(key: str, value: Any) -> str:
    if value is None:
        return f"# {key} is not set"
    # JSON strings, numbers, booleans and arrays of them are TOML as well.
    return f"{key} = {json.dumps(value)}"
