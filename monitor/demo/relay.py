"""The demo's relay: the real one, in a process of its own (:mod:`monitor.demo.child`)."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
from pathlib import Path

import msgspec

from monitor.config import Settings
from monitor.text import printable

LOG = "relay.log"  # in the state folder: what the relay has to say on standard error
START = 30.0  # seconds until it listens
STOP = 10.0  # seconds to drain, then it is killed


class RelayError(Exception):
    """The relay did not start, or ended by itself; the text is for the operator."""


class Relay:
    """The child process, seen by its parent."""

    def __init__(
        self, process: asyncio.subprocess.Process, log: Path, address: tuple[str, int]
    ) -> None:
        self._process = process
        self._log = log
        self.address = address

    @classmethod
    async def start(cls, settings: Settings) -> Relay:
        """Start it and wait until it listens. Raises RelayError with its own words."""
        log = settings.state / LOG
        with log.open("ab") as errors:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "monitor.demo.child"),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                start_new_session=True,  # Ctrl-C is for the parent
            )
        assert process.stdin
        assert process.stdout
        process.stdin.write(settings.model_dump_json().encode() + b"\n")
        try:
            async with asyncio.timeout(START):
                told = await process.stdout.readline()
            return cls(process, log, msgspec.json.decode(told, type=tuple[str, int]))
        except (TimeoutError, msgspec.DecodeError):
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            raise RelayError(f"the relay did not start: {_last_words(log)}") from None

    async def stop(self) -> None:
        """Let it drain and end."""
        assert self._process.stdin
        self._process.stdin.close()
        try:
            async with asyncio.timeout(STOP):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()

    async def watch(self) -> None:
        """Wait for it to end by itself, which it should not: raises RelayError then."""
        code = await self._process.wait()
        raise RelayError(f"the relay ended with {code}: {_last_words(self._log)}")


def _last_words(log: Path) -> str:
    lines = log.read_text("utf-8", "replace").splitlines()
    return printable(lines[-1]) if lines else "it said nothing"
