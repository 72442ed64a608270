"""What the service manager is told: sd_notify(3), in the datagrams that it is.

Without a manager (``NOTIFY_SOCKET`` is not set) every call does nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import time
from collections.abc import Callable, Mapping

from monitor.text import printable

EVERY = 5.0  # seconds between two looks at what is to be told
MAX_STATUS = 1_000  # characters


class Manager:
    """The way to the service manager of this process."""

    def __init__(self, environ: Mapping[str, str], pid: int | None = None) -> None:
        path = environ.get("NOTIFY_SOCKET", "")
        self._path = "\0" + path[1:] if path.startswith("@") else path
        self.watchdog = _watchdog(environ, os.getpid() if pid is None else pid)  # seconds, 0 none

    def tell(self, *lines: str) -> None:
        """Send one message of ``KEY=VALUE`` lines. Never raises and never blocks."""
        if not self._path:
            return
        with (
            contextlib.suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sock,
        ):
            sock.sendto("\n".join(lines).encode(), self._path)

    def ready(self, status: str) -> None:
        """It serves."""
        self.tell("READY=1", _status(status))

    def reloading(self) -> None:
        """It reads its certificates anew; :meth:`ready` is to follow."""
        self.tell("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self, seconds: float) -> None:
        """It drains, which may take ``seconds``."""
        self.tell("STOPPING=1", _status("draining"), f"EXTEND_TIMEOUT_USEC={seconds * 1e6:.0f}")

    async def keep_told(self, alive: Callable[[], bool], status: Callable[[], str]) -> None:
        """Send the status where it changed, and keep-alives while ``alive`` says so.

        It runs on the relay's own loop: one that hangs sends nothing, and the manager
        restarts the relay.
        """
        every = min(EVERY, self.watchdog / 2) if self.watchdog else EVERY
        last = ""
        while True:
            now = status()
            if now != last:
                self.tell(_status(now))
                last = now
            if self.watchdog and alive():
                self.tell("WATCHDOG=1")
            await asyncio.sleep(every)


def _status(text: str) -> str:
    return f"STATUS={printable(text, MAX_STATUS)}"


def _watchdog(environ: Mapping[str, str], pid: int) -> float:
    """Seconds between keep-alives at most (sd_watchdog_enabled(3)), 0 where none are due."""
    if environ.get("WATCHDOG_PID", str(pid)) != str(pid):
        return 0.0
    told = environ.get("WATCHDOG_USEC", "")
    return int(told) / 1e6 if told.isdigit() else 0.0
