"""The pages of the guide that are made from the program: findings, settings, keys, grades."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from typing import Any

from monitor.config import Settings, Table
from monitor.findings.catalogue import CATALOGUE
from monitor.insight.rules import AGREE, ENOUGH, GRADES, RULES
from monitor.ui.keymap import SCREENS, of

FAMILIES = {
    "spf": "SPF",
    "dkim": "DKIM",
    "dmarc": "DMARC",
    "arc": "ARC",
    "report": "Reports",
    "retry": "Retry discipline",
    "greylist": "Greylisting",
    "conduct": "Conduct",
    "tls": "TLS",
    "route": "Routing",
    "rdns": "Reverse DNS",
    "list": "Lists",
    "relay": "The relay itself",
}


def findings() -> Iterator[str]:
    """Each code: what it is to the operator, what the sender should do, and where it says so."""
    yield from (
        "# Findings",
        "",
        "What mxtap says of a transaction. Codes are an interface: none is renamed. The severity",
        "is that of the usual case; retries are judged by bands, from info to error, and what is",
        "not certain is never above notice.",
    )
    for family, codes in groupby(CATALOGUE, key=lambda code: code.partition(".")[0]):
        yield from ("", f"## {FAMILIES[family]}")
        for code in codes:
            entry = CATALOGUE[code]
            yield from ("", f"### `{code}`", "", f"**{entry.title}** · {entry.severity}", "")
            yield f"For you: {entry.meaning}"
            if entry.advice:
                yield from ("", f"For the sender: {entry.advice}")
            yield from ("", f"Source: {entry.reference}")


def settings() -> Iterator[str]:
    """Each setting with its default."""
    yield from (
        "# Settings",
        "",
        "In a TOML file (`-c FILE`), in the environment (`MXTAP_TLS_MINIMUM=TLSv1.3`), or by",
        "`--set tls.minimum=TLSv1.3`; the later one wins. `mxtap config` prints those in force,",
        "`--defaults` these, `--check` says what is wrong. Times are seconds, sizes bytes.",
    )
    defaults = Settings.model_construct()
    tables = [(name, table) for name, table in defaults if isinstance(table, Table)]
    yield from ("", "## At the top of the file", *_table(Settings))
    for name, table in tables:
        yield from ("", f"## `[{name}]`", "", inspect.cleandoc(type(table).__doc__ or ""))
        yield from _table(type(table))


def _table(table: type[Table]) -> Iterator[str]:
    yield from ("", "| setting | default | |", "|---|---|---|")
    for key, field in table.model_fields.items():
        if isinstance(field.default, Table):
            continue
        text = " ".join(inspect.cleandoc(field.description or "").split())
        yield f"| `{key}` | {_default(field)} | {text} |"


def _default(field: Any) -> str:
    if field.default_factory:
        return "of this machine"
    value = field.default
    return "" if value is None or value in ("", ()) else f"`{json.dumps(value)}`"


def keys() -> Iterator[str]:
    """The keys of each screen."""
    yield from (
        "# Keys",
        "",
        "`?` shows those of the screen you are on. All can be bound anew, by the names given here,",
        "in `~/.config/mxtap/keys.toml`:",
        "",
        "```toml",
        "[keys]",
        'ban = "B"',
        'follow = ["f", "space"]',
        "```",
        "",
        "A file that is wrong, or gives a key two meanings on one screen, is told at the start.",
    )
    places = {place: None for screen in SCREENS.values() for place in screen}
    for place in places:
        yield from ("", f"## {_PLACES.get(place, place.capitalize())}", "")
        yield from ("| key | name | |", "|---|---|---|")
        for key in of(place):
            shown = " ".join(f"`{_NAMES.get(each, each)}`" for each in key.keys.split(","))
            yield f"| {shown} | `{key.name}` | {key.help} |"


_PLACES = {"table": "Every table", "lines": "Every text", "app": "Everywhere"}
_NAMES = {
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "question_mark": "?",
    "slash": "/",
}


def grades() -> Iterator[str]:
    """The rules of the report cards."""
    yield from (
        "# Report cards",
        "",
        "`mxtap report` grades each sending organisation, from A to F, on five subjects. It is",
        "known by the domain that DKIM or SPF proves, else by the domain of its PTR name, else by",
        "its network. Every point is traceable: `mxtap report --sender X` names the sessions.",
        "",
        "A subject has 100 points. Each fault takes its points times the share of the cases that",
        "show it; a case is a transaction, for retries a delivery (a reverse-path and a",
        f"recipient). A subject with fewer than {ENOUGH} cases has no grade; a fault of retries",
        f"costs only where {AGREE} deliveries and at least half of them show it. The grade of a",
        "sender is that of the middle between the mean of its subjects and the worst of them.",
        "",
        "| grade | from |",
        "|---|---|",
        *(f"| {grade} | {least:.0f} points |" for grade, least in GRADES),
    )
    for subject, rules in groupby(RULES, key=lambda rule: rule.subject):
        yield from ("", f"## {subject.upper() if subject == 'tls' else subject.capitalize()}", "")
        yield from ("| fault | points | |", "|---|---|---|")
        for rule in rules:
            name = f"[`{rule.code}`](findings.md#{rule.code.replace('.', '')})"
            notes = [f"from {rule.least} on"] if rule.least != "notice" else []
            notes += [f"unless `{rule.unless}` too"] if rule.unless else []
            yield f"| {name} | {rule.points} | {'; '.join(notes)} |"


PAGES: dict[str, Callable[[], Iterable[str]]] = {
    "findings.md": findings,
    "settings.md": settings,
    "keys.md": keys,
    "grades.md": grades,
}
