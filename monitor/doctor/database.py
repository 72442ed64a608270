"""The database that several relays share: is it there, ours, and told apart by names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from monitor.config import Settings
from monitor.config.database import shown
from monitor.doctor.check import Check, Subject
from monitor.store.migrations import SCHEMA

__all__ = ["Shared", "judge"]

_SAY = Subject("shared database")


class Shared(NamedTuple):
    """What was seen of it. ``others`` are the names of the other relays that are connected."""

    fault: str = ""  # why it cannot be reached
    refused: str = ""  # why no relay may use it
    schema: int = 0  # 0 where it is empty
    writable: bool = True
    others: tuple[str, ...] = ()


def judge(seen: Shared, settings: Settings) -> Iterator[Check]:
    """What ``seen`` means for the relay of ``settings``, be it connected now or not."""
    where = shown(settings.database)
    if seen.refused:
        yield _SAY.error("database", seen.refused, "Give database one that is mxtap's own.")
        return
    if seen.fault:
        mend = "See that it answers and lets mxtap in: each relay is alone until then."
        yield _SAY.warning("database", f"{where}: {seen.fault}", mend)
        return
    if not seen.writable:
        what = "its tables" if seen.schema else "tables in it"
        mend = "GRANT mxtap's user all rights on it: nothing is shared without."
        yield _SAY.error("database", f"{where}: mxtap may not write {what}", mend)
    elif not seen.schema:
        yield _SAY.ok("database", f"{where}: empty, the first relay makes its tables")
    elif seen.schema < SCHEMA:
        told = f"{where}: schema {seen.schema}, the next relay that starts makes it {SCHEMA}"
        mend = "Back it up first, and upgrade the other relays: they go on without it until then."
        yield _SAY.notice("database", told, mend)
    else:
        yield _SAY.ok("database", f"{where}: other relays connected: {len(seen.others)}")
    yield from _names((settings.name, *seen.others))


def _names(names: tuple[str, ...]) -> Iterator[Check]:
    count = Counter(names)
    for twice in sorted(each for each, relays in count.items() if relays > 1):
        told = f"{count[twice]} relays go by the name {twice}"
        mend = "Set name at each to one of its own: history and screens tell relays apart by it."
        yield _SAY.warning("names", told, mend)
