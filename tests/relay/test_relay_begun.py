"""Work that is begun at once: with no wait it takes no task, and with one it goes on as any."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest

from monitor.relay.begun import Begun, beside

Begin = Callable[[Coroutine[Any, Any, str]], Awaitable[str]]


async def at_once() -> str:
    return "told"


async def fails() -> str:
    raise ValueError("no")


async def test_without_a_wait_it_is_over_at_once() -> None:
    begun = beside(at_once())
    assert isinstance(begun, Begun)
    assert begun.done()
    assert len(asyncio.all_tasks()) == 1
    assert await begun == "told"


@pytest.mark.parametrize("begin", [Begun, beside])
async def test_it_goes_on_after_each_wait(begin: Begin) -> None:
    first = asyncio.get_running_loop().create_future()
    steps: list[str] = []

    async def work() -> str:
        steps.append("begun")
        steps.append(await first)
        await asyncio.sleep(0)
        async with asyncio.timeout(5):  # after a wait it is bound to the right task
            await asyncio.sleep(0)
        return "told"

    begun: Any = begin(work())
    assert steps == ["begun"]
    assert not begun.done()
    first.set_result("went on")
    assert await begun == "told"
    assert steps == ["begun", "went on"]


@pytest.mark.parametrize("begin", [Begun, beside])
async def test_its_faults_are_heard_by_who_awaits_it(begin: Begin) -> None:
    async def fails_late() -> str:
        await asyncio.sleep(0)
        return await fails()

    for work in (fails(), fails_late()):
        with pytest.raises(ValueError, match="no"):
            await begin(work)


@pytest.mark.parametrize("begin", [Begun, beside])
async def test_a_deadline_of_who_awaits_it_reaches_into_it(begin: Begin) -> None:
    left: list[str] = []

    async def waits() -> str:
        try:
            await asyncio.Event().wait()
        finally:
            left.append("left")
        return ""

    begun = begin(waits())
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await begun
    assert left == ["left"]


async def test_what_runs_beside_runs_unawaited_until_it_is_cancelled() -> None:
    came = asyncio.Event()

    async def work() -> str:
        await asyncio.sleep(0)
        came.set()
        await asyncio.Event().wait()
        return ""

    begun = beside(work())
    async with asyncio.timeout(5):
        await came.wait()
    begun.cancel()
    with pytest.raises(asyncio.CancelledError):
        await begun
