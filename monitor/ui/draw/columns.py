"""Which columns a table of a given width has, and how wide each is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from monitor.ui.cells import Keep

__all__ = ["Column", "Spec", "lay_out"]

GAP = 1


class Spec(NamedTuple):
    """What a column asks for: at least ``least`` cells, at most ``most``, by ``weight``.

    ``wide`` is the table's width from which on it is there at all.
    """

    name: str
    title: str
    least: int
    most: int
    weight: int = 0
    wide: int = 0
    keep: Keep = "start"


class Column(NamedTuple):
    """A column as it is shown."""

    name: str
    title: str
    width: int
    keep: Keep


def lay_out(specs: Iterable[Spec], width: int) -> tuple[Column, ...]:
    """Columns that fill ``width`` with a gap between them, the spare cells by weight."""
    present = [s for s in specs if width >= s.wide]
    widths = [s.least for s in present]
    spare = width - sum(widths) - GAP * (len(present) - 1)
    _shrink(present, widths, -spare)
    while spare > 0:
        growing = [i for i, s in enumerate(present) if s.weight and widths[i] < s.most]
        if not growing:
            widths[-1] += spare
            break
        spare -= _share_out(present, widths, growing, spare)
    return tuple(Column(s.name, s.title, w, s.keep) for s, w in zip(present, widths, strict=True))


def _shrink(specs: Sequence[Spec], widths: list[int], cells: int) -> None:
    """Take ``cells`` away, each from the widest of the columns that may vary."""
    varying = [i for i, s in enumerate(specs) if s.weight]
    for _ in range(cells):
        widest = max(varying, key=widths.__getitem__)
        widths[widest] = max(1, widths[widest] - 1)


def _share_out(specs: Sequence[Spec], widths: list[int], growing: list[int], spare: int) -> int:
    total = sum(specs[i].weight for i in growing)
    given = 0
    for i in growing:
        share = max(1, spare * specs[i].weight // total)
        share = min(share, specs[i].most - widths[i], spare - given)
        widths[i] += share
        given += share
    return given
