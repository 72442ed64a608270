"""A worker as the hub sees it: its process, what it says, and the sessions that it has open."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from monitor import events as ev
from monitor.config import ConfigError
from monitor.hub import Hub
from monitor.relay.journal import cut_off
from monitor.workers.messages import Ask, Beat, Begin, Failed, Message, Told, Up, decode_up
from monitor.workers.wire import Wire

log = logging.getLogger(__name__)

GONE = "4.3.0 a process of this relay ended"
REST = 0.01  # seconds; see Wire
LAST_WORDS = 5.0  # seconds that a process may take to end once it said its last word
LOST = "a process of this relay ended while it was on its way"
# What is said to the service manager is the hub's, and so are the sockets that it passed.
NOT_FOR_WORKERS = ("NOTIFY_SOCKET", "WATCHDOG_", "LISTEN_")


class WorkerError(Exception):
    """A worker cannot serve; the text is for the operator."""


class Worker:
    """One process, from its start to its end."""

    def __init__(self, number: int, hub: Hub) -> None:
        self.number = number
        self.beat = Beat()
        self.heard_at = time.monotonic()
        self.pid = 0
        self._hub = hub
        # Mail waits for answers alone: with none to give there is time.
        rest = 0.0 if hub.asked else REST
        self._wire = Wire(decode_up, self._hear, self._lost, rest=rest)
        self._gone = asyncio.Event()
        self._sessions: set[str] = set()
        self._process: asyncio.subprocess.Process | None = None
        self._settled = asyncio.Event()  # it serves, or will not
        self._takes: dict[type, Callable[[Any], None]] = {  # any other event is the hub's
            ev.Opened: self._opened,
            ev.Closed: self._closed,
            Ask: self._asks,
            Beat: self._beats,
            Failed: self._failed,
        }
        self.trouble: Exception | None = None  # why it never served

    async def start(self, begin: Begin) -> None:
        """Start the process and say to it what it is. Raises OSError."""
        ours, its = socket.socketpair()
        with its:
            try:
                self._process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-P", "-m", "monitor.workers.child", str(its.fileno())),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    pass_fds=(its.fileno(), *_descriptors(begin)),
                    env=_environment(os.environ),
                )
            except BaseException:
                ours.close()
                raise
        self.pid = self._process.pid
        await self._wire.open(ours)
        self.say(begin)

    async def serving(self) -> None:
        """Wait until it serves. Raises ConfigError or WorkerError where it never will."""
        await self._settled.wait()
        if self.trouble is not None:
            raise self.trouble

    @property
    def serves(self) -> bool:
        """True while it meets clients."""
        return self._settled.is_set() and not self.trouble and not self._gone.is_set()

    @property
    def gone(self) -> bool:
        """True where it said its last word."""
        return self._gone.is_set()

    def say(self, message: Message) -> None:
        """Say something to it."""
        self._wire.say(message)

    async def ended(self) -> int:
        """Wait until the process has ended, and all that it said was heard; its exit code."""
        assert self._process is not None
        await self._gone.wait()
        try:
            async with asyncio.timeout(LAST_WORDS):
                await self._process.wait()
        except TimeoutError:
            self.kill()
        return await self._process.wait()

    def kill(self) -> None:
        """End it at once; the mail that it has in hand comes again."""
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    def close_sessions(self, unsettled: Iterable[str]) -> None:
        """Tell the end of those that it left open; ``unsettled`` were on their way upstream.

        What was being decided when it ended may have been taken: its word on that is lost.
        """
        self._hub.catch_up()
        now = time.time()
        unknown = dict.fromkeys(unsettled)
        sessions, self._sessions = sorted(self._sessions), set()
        for session in sessions:
            view = self._hub.assembler.session(session)
            if view is not None and view.current is not None:
                current = view.current.id
                reached = view.current.content is not None or current in unknown
                unknown.pop(current, None)
                if reached:
                    self._hub.emit(cut_off(current, now, LOST))
                phase = view.last_reply.phase if view.last_reply else "connect"
                self._hub.emit(
                    ev.Ended(
                        session=session,
                        at=now,
                        transaction=current,
                        verdict=ev.Verdict(code=451, reply=GONE, phase=phase, by="mxtap"),
                        state="unknown" if reached else "none",
                    )
                )
            self._hub.emit(ev.Closed(session=session, at=now, how="fault"))
        for transaction in unknown:
            self._hub.emit(cut_off(transaction, now, LOST))

    # What it says

    def _hear(self, messages: Iterable[Up]) -> None:
        takes, emit = self._takes, self._hub.emit
        for message in messages:
            takes.get(type(message), emit)(message)

    def _opened(self, event: ev.Opened) -> None:
        self._hub.emit(event)
        self._sessions.add(event.session)

    def _closed(self, event: ev.Closed) -> None:
        self._hub.emit(event)
        self._sessions.discard(event.session)

    def _asks(self, ask: Ask) -> None:
        self.say(Told(id=ask.id, ruling=self._hub.decide(ask.stage)))

    def _beats(self, beat: Beat) -> None:
        self.beat, self.heard_at = beat, time.monotonic()
        self._hub.standing.count(beat.hits)
        self._settled.set()

    def _failed(self, failed: Failed) -> None:
        self._fail((ConfigError if failed.config else WorkerError)(failed.reason))

    def _lost(self) -> None:
        self._gone.set()
        self._fail(WorkerError("it ended before it served; see the log"))

    def _fail(self, error: Exception) -> None:
        if not self._settled.is_set():
            self.trouble = error
            self._settled.set()


def _descriptors(begin: Begin) -> Iterable[int]:
    """What it is given beside the way to us."""
    given = (*begin.sockets, begin.tally, begin.certificate)
    return (number for number in given if number >= 0)


def _environment(given: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in given.items() if not key.startswith(NOT_FOR_WORKERS)}
