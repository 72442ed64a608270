"""What a task awaits of a connection behaves as a future does, save that it wakes at once."""

from __future__ import annotations

import asyncio

import pytest

from monitor.relay.waiter import Waiter


@pytest.fixture
async def waiter() -> Waiter:
    return Waiter(asyncio.get_running_loop())


async def wait(waiter: Waiter, heard: list[bool]) -> None:
    heard.append(await waiter.anew())


async def test_from_a_callback_the_task_goes_on_at_once(waiter: Waiter) -> None:
    heard: list[bool] = []
    seen: list[list[bool]] = []
    task = asyncio.create_task(wait(waiter, heard))
    await asyncio.sleep(0)
    loop = asyncio.get_running_loop()
    loop.call_soon(lambda: (waiter.wake(True), seen.append(list(heard))))
    await task
    assert seen == [[True]]


async def test_from_another_task_it_goes_on_in_its_own_turn(waiter: Waiter) -> None:
    heard: list[bool] = []
    task = asyncio.create_task(wait(waiter, heard))
    await asyncio.sleep(0)
    waiter.wake(False)
    waiter.wake(True)
    assert heard == []
    await task
    assert heard == [False]


async def test_what_came_before_the_wait_is_not_lost(waiter: Waiter) -> None:
    news = waiter.anew()
    waiter.wake(True)
    assert await news


@pytest.mark.parametrize("then", ["", "wake", "cancel"])
async def test_a_task_that_waits_can_be_cancelled(waiter: Waiter, then: str) -> None:
    heard: list[bool] = []
    task = asyncio.create_task(wait(waiter, heard))
    await asyncio.sleep(0)
    assert task.cancel()
    if then == "wake":
        asyncio.get_running_loop().call_soon(waiter.wake, True)
    elif then == "cancel":
        task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert heard == []


async def test_one_that_is_cancelled_before_it_waits_never_does(waiter: Waiter) -> None:
    async def cancelled() -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await waiter.anew()

    with pytest.raises(asyncio.CancelledError):
        await asyncio.create_task(cancelled())


async def test_a_timeout_ends_the_wait_and_the_next_one_is_sound(waiter: Waiter) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.001):
            await waiter.anew()
    heard: list[bool] = []
    task = asyncio.create_task(wait(waiter, heard))
    await asyncio.sleep(0)
    asyncio.get_running_loop().call_soon(waiter.wake, True)
    await task
    assert heard == [True]
