"""The transport of a replay, by keys and by mouse."""

from __future__ import annotations

from textual import events
from textual.strip import Strip
from textual.widget import Widget

from monitor.capture.feed import CaptureFeed
from monitor.capture.playback import AS_FAST_AS_POSSIBLE
from monitor.ui.draw.replay import Spot, draw_bar, spot_at
from monitor.ui.look import Look
from monitor.ui.screens.seek import SeekDialog

__all__ = ["ReplayBar"]

_FRAME = 0.1  # seconds
_SECONDS = 10.0  # that an arrow goes
_PERCENT = 5.0  # that it goes with shift


class ReplayBar(Widget):
    """One line. The keys of ``replay`` in the keymap end in :meth:`do`."""

    def __init__(self, replay: CaptureFeed, look: Look) -> None:
        super().__init__()
        self._replay = replay
        self._look = look
        self._spots: list[Spot] = []
        self._drawn: object = None

    def on_mount(self) -> None:
        """Its clock goes on without updates."""
        self.set_interval(_FRAME, self._follow)

    def _follow(self) -> None:
        if self._state() != self._drawn:
            self.refresh()

    def _state(self) -> object:
        play = self._replay.playback
        return int(play.position), round(play.percent, 1), play.playing, play.speed, play.loop

    def render_line(self, y: int) -> Strip:
        """The line."""
        self._drawn = self._state()
        line, self._spots = draw_bar(self._replay.playback, self.size.width, self._look)
        return line.strip(self.size.width, self.rich_style)

    def on_click(self, event: events.Click) -> None:
        """Press what is there, or go where the slider was clicked."""
        if (spot := spot_at(self._spots, event.x)) is None:
            return
        does, percent = spot
        if does == "slider":
            self._replay.playback.seek_percent(percent)
        elif does:
            self.do(does)
        self.refresh()

    def do(self, what: str) -> None:
        """Do what a key or a click asks for."""
        playback = self._replay.playback
        match what:
            case "play":
                playback.toggle()
            case "step":
                playback.step()
            case "slower" | "faster":
                playback.change_speed(1 if what == "faster" else -1)
            case "fastest":
                playback.set_speed(AS_FAST_AS_POSSIBLE)
            case "back" | "forward":
                playback.seek(playback.position + (_SECONDS if what == "forward" else -_SECONDS))
            case "far-back" | "far-forward":
                by = _PERCENT if what == "far-forward" else -_PERCENT
                playback.seek_percent(playback.percent + by)
            case "seek":
                self.app.push_screen(SeekDialog(self._replay.reel, self._look), self._go)
            case "error":
                if not playback.next_error():
                    self.app.notify("There is no error behind this point.")
            case "loop":
                playback.loop = not playback.loop
            case _:
                raise ValueError(f"a replay does not {what}")
        self.refresh()

    def _go(self, at: float | None) -> None:
        if at is not None:
            self._replay.playback.seek(at)
            self.refresh()
