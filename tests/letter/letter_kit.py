"""A letter from a scripted world."""

from __future__ import annotations

from collections import defaultdict

from conversation import World
from insight_history import history

from monitor import events as ev
from monitor.insight.questions import Written
from monitor.letter.case import Case, open_case
from monitor.letter.who import Who
from monitor.letter.write import write

HOST = "mx.here.example"


def case_of(world: World, sender: str) -> Case:
    return open_case(Who.of(sender), history(world))


def sessions(world: World) -> dict[str, list[ev.AnyEvent]]:
    found: dict[str, list[ev.AnyEvent]] = defaultdict(list)
    for event in world.events:
        found[event.session].append(event)
    return found


def written(world: World, sender: str = "sender.example", **options: object) -> Written:
    given = {
        "to": [f"postmaster@{sender}"],
        "sender": f"postmaster@{HOST}",
        "host": HOST,
        **options,
    }
    return write(case_of(world, sender), sessions(world), **given)
