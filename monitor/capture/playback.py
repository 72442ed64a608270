"""The transport of a replay: play, pause, step, speed, seek. No I/O but reading the reel."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator

from monitor import events as ev
from monitor.assembler import Assembler, Output
from monitor.capture.reel import Reel
from monitor.capture.sheet import is_error
from monitor.findings.retry.witness import Witness

SLOWEST, FASTEST = 0.25, 1_000.0
AS_FAST_AS_POSSIBLE = math.inf
SPEEDS = (SLOWEST, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 100.0, 300.0, FASTEST, AS_FAST_AS_POSSIBLE)


class Playback:
    """Where a replay stands. Times of the session are epoch seconds; ``clock`` is monotonic.

    The owner calls :meth:`take` for what has become due, and waits :meth:`wait` seconds or
    until ``changed`` is called, which every action of the operator does. ``generation``
    rises with each jump: what was shown before has no bearing on what comes.
    """

    _at: float  # the session's time at the moment _since
    _since: float
    witness: Witness  # of who waits
    _assembler: Assembler
    _events: Iterator[ev.AnyEvent]
    _next: ev.AnyEvent | None

    def __init__(
        self,
        reel: Reel,
        *,
        speed: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self.reel = reel
        self.loop = False
        self.generation = 0
        self.changed = changed
        self._clock = clock
        self._playing = False
        self._speed = speed
        self._steps = 0
        self._jump(reel.start)

    @property
    def playing(self) -> bool:
        """True while time goes on."""
        return self._playing

    @property
    def speed(self) -> float:
        """Seconds of the session that go by in a second; infinite for as fast as possible."""
        return self._speed

    @property
    def position(self) -> float:
        """The session's time now."""
        if not self._playing or self._speed == math.inf:
            return self._at
        return min(self._at + (self._clock() - self._since) * self._speed, self.reel.end)

    @property
    def percent(self) -> float:
        """How much of the session is over, 0 to 100."""
        length = self.reel.end - self.reel.start
        return 100 * (self.position - self.reel.start) / length if length > 0 else 100.0

    @property
    def ended(self) -> bool:
        """True when nothing comes any more."""
        return self._next is None

    def play(self) -> None:
        """Let time go on; from the start again when the end was reached."""
        if self.ended:
            self._jump(self.reel.start)
        self._playing, self._since = True, self._clock()
        self.changed()

    def pause(self) -> None:
        """Stop time."""
        self._hold()
        self.changed()

    def toggle(self) -> None:
        """Play when paused, pause when playing."""
        if self._playing:
            self.pause()
        else:
            self.play()

    def step(self) -> None:
        """Pause, and go to where the next record is complete."""
        self._hold()
        self._steps += 1
        self.changed()

    def set_speed(self, speed: float) -> None:
        """Change the speed: ``SLOWEST`` to ``FASTEST``, or ``AS_FAST_AS_POSSIBLE``."""
        playing = self._playing
        self._hold()
        self._speed = speed if speed == math.inf else min(max(speed, SLOWEST), FASTEST)
        self._playing = playing
        self.changed()

    def change_speed(self, by: int) -> None:
        """To a neighbour among ``SPEEDS``: 1 for faster, -1 for slower."""
        if by > 0:
            self.set_speed(next((s for s in SPEEDS if s > self._speed), AS_FAST_AS_POSSIBLE))
        else:
            self.set_speed(next((s for s in reversed(SPEEDS) if s < self._speed), SLOWEST))

    def seek(self, at: float) -> None:
        """Jump to a time of the session; it goes on playing when it was."""
        self._jump(min(max(at, self.reel.start), self.reel.end))
        self.changed()

    def seek_percent(self, percent: float) -> None:
        """Jump to a place between 0 and 100."""
        self.seek(self.reel.start + (self.reel.end - self.reel.start) * percent / 100)

    def next_error(self) -> bool:
        """Jump to just before the next error, paused; False when there is none."""
        at = self._error_after(self.position)
        if at is None:
            return False
        self._hold()
        self._jump(at)
        self.step()
        return True

    def take(self, limit: int = 2_000) -> list[Output]:
        """What has become due, of at most ``limit`` events; ask again while ``wait`` is 0."""
        outputs: list[Output] = []
        for _ in range(limit):
            if self._next is None or not self._due(self._next):
                break
            outputs += self._advance(self._next)
            if self._steps and outputs:
                self._steps -= 1
                break
        if self.ended:
            self._finish()
        return outputs

    def wait(self) -> float | None:
        """Seconds until more is due; None when nothing is before the operator acts."""
        if self._steps and not self.ended:
            return 0.0
        if not self._playing or self._next is None:
            return None
        return max(0.0, (self._next.at - self.position) / self._speed)

    def _due(self, event: ev.AnyEvent) -> bool:
        if self._steps:
            return True
        return self._playing and (self._speed == math.inf or event.at <= self.position)

    def _advance(self, event: ev.AnyEvent) -> list[Output]:
        self._next = next(self._events, None)
        if self._steps or self._speed == math.inf:
            self._at = max(self._at, event.at)
        return list(self._assembler.feed(event)[1])

    def _finish(self) -> None:
        self._steps = 0
        if self._playing and self.loop and len(self.reel):
            self._jump(self.reel.start)
        elif self._playing:
            self._at, self._playing = self.reel.end, False

    def _hold(self) -> None:
        self._at = self.position
        self._playing = False
        self._since = self._clock()

    def _jump(self, at: float) -> None:
        """Go to ``at``, with the sessions that are open there known."""
        self.generation += 1
        self._at, self._since, self._steps = at, self._clock(), 0
        self.witness = Witness()
        self._assembler = Assembler([self.witness])
        self._events = self.reel.events(self.reel.lead_in(self.reel.find(at)))
        self._next = next(self._events, None)
        while self._next is not None and self._next.at < at:
            self._assembler.feed(self._next)
            self._next = next(self._events, None)

    def _error_after(self, at: float) -> float | None:
        index = self.reel.next_error(self.reel.find(at))
        while index is not None:
            times = [e.at for e in self.reel[index].load() if is_error(e) and e.at > at]
            if times:
                return min(times)
            index = self.reel.next_error(index + 1)
        return None
