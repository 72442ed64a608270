"""The bar of a replay: where it stands, how fast it goes, and what may be done by mouse."""

from __future__ import annotations

from typing import NamedTuple

from rich.style import Style

from monitor.capture.playback import AS_FAST_AS_POSSIBLE, Playback
from monitor.capture.rehearsal import Rehearsal
from monitor.record import moment
from monitor.ui.draw.line import Line
from monitor.ui.look import Look

__all__ = ["Spot", "draw_bar", "draw_rehearsal", "spot_at"]

_ROOMY = 72  # cells from which on every button has its place
_SLIDER = "slider"


class Spot(NamedTuple):
    """A part of the bar: what a click there does, or ``slider``."""

    does: str
    start: int
    end: int


def draw_bar(playback: Playback, cells: int, look: Look) -> tuple[Line, list[Spot]]:
    """One line of ``cells``, and its parts."""
    palette, spots = look.palette, list[Spot]()
    line = Line().gap()

    def put(text: str, style: Style, does: str = "") -> None:
        spots.append(Spot(does, line.width, line.width + len(text)))
        line.put(text, style)

    state = look.marks.follow if playback.playing else look.marks.pause
    put(f" {state} ", palette.good if playback.playing else palette.notice, "play")
    roomy = cells >= _ROOMY
    if roomy:
        put("step ", palette.muted, "step")
    at = moment(playback.position).astimezone()
    put(f" {at:%d %b %H:%M:%S}  ", palette.strong, "seek")
    put("<", palette.muted, "slower")
    put(f"{_speed(playback.speed):^7}", palette.text)
    put("> ", palette.muted, "faster")
    tail = f" {playback.percent:3.0f}%"
    buttons = 12 if roomy else 0
    slider = max(1, cells - line.width - len(tail) - buttons - 1)
    played = min(slider - 1, int(slider * playback.percent / 100))
    spots.append(Spot(_SLIDER, line.width, line.width + slider))
    line.put(look.marks.rule * played, palette.accent).put(look.marks.up, palette.accent)
    line.put(look.marks.rule * (slider - played - 1), palette.muted)
    line.put(tail, palette.text)
    if roomy:
        put(" error", palette.muted, "error")
        put("[loop]" if playback.loop else " loop ", palette.muted, "loop")
    return line, spots


def spot_at(spots: list[Spot], x: int) -> tuple[str, float] | None:
    """What a click at cell ``x`` does; for the slider, the percentage there too."""
    for spot in spots:
        if spot.start <= x < spot.end:
            last = max(1, spot.end - spot.start - 1)
            return spot.does, 100 * (x - spot.start) / last
    return None


def draw_rehearsal(rehearsal: Rehearsal) -> str:
    """What the lists would have done to the transactions shown so far."""
    if not rehearsal.entries():
        return "the lists are a rehearsal"
    return f"the lists would have refused {rehearsal.refused:,} of these {rehearsal.judged:,}"


def _speed(speed: float) -> str:
    return "max" if speed == AS_FAST_AS_POSSIBLE else f"{speed:g}x"
