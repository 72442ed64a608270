"""The relay as its operator runs it: a process of its own, spoken to by its command line."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from harness_net import free_port, wait_until

MXTAP = str(Path(sys.executable).with_name("mxtap"))
START = 30.0  # seconds until READY; a loaded machine is slow
STOP = 40.0  # seconds, more than limits.drain
KEPT = ("PATH", "HOME", "LANG", "TERM", "TMPDIR", "PYTHONPATH")


def environment() -> dict[str, str]:
    """An environment without settings of the machine, where the tests may run as root."""
    return {key: os.environ[key] for key in KEPT if key in os.environ} | {"MXTAP_ALLOW_ROOT": "1"}


def mxtap(*args: str, timeout: float = 30) -> subprocess.CompletedProcess[str]:
    """Run one command to its end."""
    return subprocess.run(
        [MXTAP, *args], stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=timeout, env=environment(), check=False,
    )  # fmt: skip


class Relay:
    """``mxtap serve`` in front of ``upstream``, a port on loopback."""

    def __init__(self, state: Path, upstream: int, *options: str) -> None:
        self.state = state
        self.port = free_port()
        self.ready = ""
        self.program: tuple[str, ...] = (MXTAP,)
        self._options = options
        self._upstream = upstream
        self._errors = state.with_name(state.name + ".stderr")
        self.process: subprocess.Popen[str] | None = None

    @property
    def pid(self) -> int:
        """The process id while it runs."""
        assert self.process is not None
        return self.process.pid

    def start(self) -> None:
        """Start, and wait for the READY line. Raises RuntimeError with what it said."""
        with self._errors.open("ab") as errors:
            self.process = subprocess.Popen(
                [
                    *self.program, "serve", "--listen", f"127.0.0.1:{self.port}",
                    "--upstream", f"127.0.0.1:{self._upstream}",
                    "--state", str(self.state), *self._options,
                ],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors,
                text=True, env=environment(), start_new_session=True,
            )  # fmt: skip
        self.ready = self._first_line()
        if not self.ready.startswith("READY"):
            self.kill()
            raise RuntimeError(f"said {self.ready!r}; {self.errors()}")

    def _first_line(self) -> str:
        out = self.process.stdout
        end = time.monotonic() + START
        while time.monotonic() < end:
            if select.select([out], [], [], 0.2)[0]:
                return out.readline()
        return ""

    def errors(self) -> str:
        """What it wrote to stderr so far."""
        return self._errors.read_text(errors="replace") if self._errors.exists() else ""

    def stop(self) -> int:
        """SIGTERM: drain and end. The exit code."""
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(STOP)
        finally:
            self.kill()
        return code

    def kill(self) -> None:
        """SIGKILL to the relay and to the helpers of its own."""
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(STOP)
        self.process.stdout.close()

    def run(self, *args: str, timeout: float = 30) -> subprocess.CompletedProcess[str]:
        """A command of mxtap on this relay's state folder."""
        return mxtap(*args, "--state", str(self.state), timeout=timeout)

    def events(self) -> list[dict[str, Any]]:
        """The records so far, as ``mxtap events`` tells them."""
        done = self.run("events")
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    def wait_events(self, count: int, seconds: float = 15) -> list[dict[str, Any]]:
        """The records, as soon as there are ``count`` of them."""
        found: list[dict[str, Any]] = []

        def enough() -> bool:
            found[:] = self.events()
            return len(found) >= count

        wait_until(enough, seconds)
        return found


StartRelay = Callable[..., Relay]


@contextlib.contextmanager
def relaying(state: Path, upstream: int, *options: str) -> Iterator[Relay]:
    """A relay for the time of the block."""
    relay = Relay(state, upstream, *options)
    try:
        relay.start()
        yield relay
    finally:
        relay.kill()
