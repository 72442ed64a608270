"""``mxtap config``: the settings in force, the defaults, or a check of the file."""

from __future__ import annotations

import argparse
import inspect
import json
from collections.abc import Iterator

from monitor.config import Settings, Table


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
    """Settings as the lines of a TOML file that gives them again, each with what it is."""
    lines = list(_table(settings))
    for name, table in settings:
        if isinstance(table, Table):
            lines += ["", *_remark(type(table).__doc__), f"[{name}]", *_table(table)]
    return lines


def _table(table: Table) -> Iterator[str]:
    values = table.model_dump(mode="json")
    for key, field in type(table).model_fields.items():
        if isinstance(getattr(table, key), Table):
            continue
        yield from _remark(field.description)
        # JSON strings, numbers, booleans and arrays of them are TOML as well.
        value = values[key]
        yield f"# {key} is not set" if value is None else f"{key} = {json.dumps(value)}"


def _remark(text: str | None) -> Iterator[str]:
    return (f"# {line}".rstrip() for line in inspect.cleandoc(text or "").splitlines())
