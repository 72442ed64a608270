"""Capture as a consumer of events: bounded, in a thread of its own, never in mail's way."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Iterable, Sequence

from monitor.capture.folder import CaptureFolder
from monitor.capture.format import Gap
from monitor.capture.select import Mode, Selection
from monitor.capture.sheet import Sheet
from monitor.events import AnyEvent, Body

log = logging.getLogger(__name__)

QUEUED = 50_000  # events that wait for the disk at most
QUEUED_BODIES = 64 * 1024 * 1024  # and octets of content among them
FLUSH = 2.0  # seconds of events that a crash may lose, beside what the hub still holds
LOOK = 0.1  # seconds; to wake the thread for each event would cost more than what it does
TOGETHER = 32  # events that are encoded at once: with their headers far less than a frame holds
PRESSING = 8 * 1024 * 1024  # octets of content for which it is woken


class CaptureWriter:
    """Call it with the events, in order; ``start`` and ``close`` go around that.

    The call does no I/O and waits for nothing. When the disk is slower than the mail,
    events are dropped, and the file says where and how many.
    """

    def __init__(self, folder: CaptureFolder, mode: Mode, *, flush: float = FLUSH) -> None:
        self.lost = 0  # events that were dropped since the start
        self._folder = folder
        self._selection = Selection(mode)
        self._flush = flush
        self._waiting: deque[AnyEvent] = deque()
        self._pressing = threading.Event()
        self._closing = False
        # Each counter has one thread that writes it, so neither needs a lock.
        self._bodies_in = 0
        self._bodies_out = 0
        self._told = 0
        self._unwritten = 0
        self._thread = threading.Thread(target=self._run, name="capture", daemon=True)

    @property
    def problem(self) -> str:
        """Why nothing is captured now, in a sentence; "" while all is well."""
        if len(self._waiting) >= QUEUED:
            return "capture stopped, mail goes on: the disk is too slow"
        return self._folder.problem

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def __call__(self, events: Sequence[AnyEvent]) -> None:
        """Take some events."""
        if len(self._waiting) + len(events) <= QUEUED and Body not in map(type, events):
            self._waiting.extend(events)
        else:
            for event in events:
                self._take(event)

    def _take(self, event: AnyEvent) -> None:
        if len(self._waiting) >= QUEUED:
            self.lost += 1
        elif isinstance(event, Body):
            self._take_body(event)
        else:
            self._waiting.append(event)

    def _take_body(self, body: Body) -> None:
        waiting = self._bodies_in - self._bodies_out + len(body.data)
        if waiting > QUEUED_BODIES:
            self.lost += 1
            return
        self._bodies_in += len(body.data)
        self._waiting.append(body)
        if waiting > PRESSING:
            self._pressing.set()

    def close(self, timeout: float = 5.0) -> None:
        """Write what waits, and the index; a hanging disk is given ``timeout`` seconds."""
        self._closing = True
        self._pressing.set()
        self._thread.join(timeout)

    def _run(self) -> None:
        sheet, due = Sheet(), 0.0
        while not self._closing or self._waiting:
            self._pressing.wait(LOOK)
            self._pressing.clear()
            while self._waiting:
                if not sheet:
                    due = time.monotonic() + self._flush
                for events in self._chosen():
                    self._add(sheet, events)
                    if sheet.full:
                        sheet = self._write(sheet)
            if sheet and time.monotonic() >= due:
                sheet = self._write(sheet)
        if sheet:
            self._write(sheet)
        self._folder.close()

    def _chosen(self) -> Iterable[list[AnyEvent]]:
        """What to keep of the next that wait, in lists that a frame has room for."""
        taken = [self._waiting.popleft() for _ in range(min(len(self._waiting), TOGETHER))]
        deciding = self._selection.deciding
        chosen: list[AnyEvent] = []
        for event in taken:
            if type(event) is Body:
                self._bodies_out += len(event.data)
            if (decide := deciding.get(type(event))) is None:
                chosen.append(event)
                continue
            try:
                chosen += decide(event)
            except Exception:
                log.exception("an event could not be captured")
                self._unwritten += 1
        if Body in map(type, chosen):
            return [[event] for event in chosen]
        return [chosen] if chosen else []

    def _add(self, sheet: Sheet, events: list[AnyEvent]) -> None:
        if missing := self.lost + self._unwritten - self._told:
            sheet.say(Gap(at=events[0].at, lost=missing))
            self._told += missing
        try:
            sheet.add_all(events)
        except Exception:
            if len(events) > 1:  # only the one that is at fault is left out
                for event in events:
                    self._add(sheet, [event])
                return
            log.exception("an event could not be captured")
            self._unwritten += 1

    def _write(self, sheet: Sheet) -> Sheet:
        if not self._folder.write(sheet):
            self._unwritten += sheet.events
        return Sheet()
