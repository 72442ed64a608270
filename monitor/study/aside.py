"""A study in a process of its own: history is gone through, and no mail waits for that."""

from __future__ import annotations

import asyncio
import os
import resource
import sys
from contextlib import suppress

import msgspec

from monitor.config import Settings
from monitor.insight.questions import Question, StudyError
from monitor.study.answer import answer
from monitor.study.past import of_history

__all__ = ["DEADLINE", "Aside"]

DEADLINE = 120.0  # seconds
NICE = 10
MEMORY = 2 << 30  # bytes of its address space
LIMITS = ((resource.RLIMIT_CPU, int(DEADLINE)), (resource.RLIMIT_AS, MEMORY))

_encode = msgspec.json.encode


class _Task(msgspec.Struct):
    settings: msgspec.Raw
    question: Question


class Aside:
    """Asks one question at a time of the history of ``settings``."""

    def __init__(self, settings: Settings, deadline: float = DEADLINE) -> None:
        # With its password: it goes through a pipe, to ourselves.
        told = settings.model_dump(mode="json") | {"database": settings.database}
        self._settings = msgspec.Raw(_encode(told))
        self._deadline = deadline
        self._turn = asyncio.Semaphore()

    async def __call__(self, question: Question) -> msgspec.Raw:
        """The answer as JSON. Raises StudyError. Who no longer waits ends the process."""
        async with self._turn:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-P", "-m", __name__,  # nothing of the current folder
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )  # fmt: skip
            try:
                async with asyncio.timeout(self._deadline):
                    told, errors = await process.communicate(
                        _encode(_Task(self._settings, question))
                    )
            except TimeoutError:
                raise StudyError(
                    f"history is long: no answer within {self._deadline:g} seconds; ask for less"
                ) from None
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()
        if process.returncode:
            lines = errors.decode("utf-8", "backslashreplace").strip().splitlines()
            raise StudyError(lines[-1] if lines else "the study was ended by the system")
        return msgspec.Raw(told)


def _main() -> int:
    with suppress(OSError):
        os.nice(NICE)
    for which, most in LIMITS:
        with suppress(OSError, ValueError):
            resource.setrlimit(which, (most, most))
    task = msgspec.json.decode(sys.stdin.buffer.read(), type=_Task)
    settings = Settings.model_validate_json(bytes(task.settings))
    try:
        with of_history(settings) as past:
            told = answer(task.question, past, settings)
    except StudyError as error:
        print(error, file=sys.stderr)
        return 1
    sys.stdout.buffer.write(_encode(told))
    return 0


if __name__ == "__main__":
    sys.exit(_main())
