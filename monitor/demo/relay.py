"""The demo's relay: the real one, in a process of its own (:mod:`monitor.demo.child`)."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys

import msgspec

from monitor.config import Settings

LOG = "relay.log"  # in the state folder: what the relay has to say on standard error
START = 30.0  # seconds until it listens
STOP = 10.0  # seconds to drain, then it is killed


class Relay:
    """The child process, seen by its parent."""

    def __init__(self, process: asyncio.subprocess.Process, address: tuple[str, int]) -> None:
        self._process = process
        self.address = address

    @classmethod
    async def start(cls, settings: Settings) -> Relay:
        """Start it and wait until it listens. Raises RuntimeError that names its log."""
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
            return cls(process, msgspec.json.decode(told, type=tuple[str, int]))
        except (TimeoutError, msgspec.DecodeError):
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            raise RuntimeError(f"the relay did not start; see {log}") from None

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

    async def ended(self) -> int:
        """Wait for its end; the exit code."""
        return await self._process.wait()
