"""The screen under load: run by hand, ``python tests/bench/bench_table.py``.

Prints the share of one core that the UI takes while a feed gives 1,000 records a second,
how long a key press takes to be painted meanwhile, and the time to the first paint of a
screen with 100,000 rows in its history and in its window.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "ui"))

import msgspec
from ui_fakes import FakeFeed, record

from monitor.config import Settings
from monitor.control.protocol import RecordUpdate
from monitor.record import Record
from monitor.ui.app import DEFAULT_THEME, MxtapApp
from monitor.ui.screens.live import LiveScreen
from monitor.ui.state import window
from monitor.ui.widgets.records import RecordTable

RATE = 1_000  # records a second
SECONDS = 10
SIZE = (160, 48)

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Record).decode


def fresh(number: int) -> Record:
    """A record as a socket would give it: decoded, and of this moment."""
    now = datetime.now(UTC)
    return _decode(_encode(record(number, started=now, ended=now)))


async def flood(feed: FakeFeed, seconds: float) -> None:
    start = time.perf_counter()
    sent = 0
    made = [fresh(i) for i in range(int(RATE * seconds) + RATE)]
    start = time.perf_counter()
    while (elapsed := time.perf_counter() - start) < seconds:
        due = int(elapsed * RATE)
        for item in made[sent:due]:
            feed._updates.put_nowait(RecordUpdate(item))
        sent = due
        await asyncio.sleep(0.005)


async def load(*, keys: bool) -> None:
    feed = FakeFeed([record(i) for i in range(1_000)])
    app = MxtapApp(feed, Settings(name="bench"))
    async with app.run_test(size=SIZE) as pilot:
        app.theme = DEFAULT_THEME
        await pilot.pause()
        gc.freeze()  # as monitor.ui.start does
        flooding = asyncio.create_task(flood(feed, SECONDS))
        await asyncio.sleep(0)  # the records are made in its first step
        if keys:
            await press(app, flooding)
            return
        cpu, wall = time.process_time(), time.perf_counter()
        await flooding
        share = (time.process_time() - cpu) / (time.perf_counter() - wall)
        rows = len(app.desk.model.window)
        print(f"{RATE} records a second for {SECONDS} s: {share:.0%} of a core, {rows:,} rows")


async def press(app: MxtapApp, flooding: asyncio.Task[None]) -> None:
    """Move the cursor through rows that hold still while others come in behind them."""
    shown = asyncio.Event()
    display = app._display

    def displayed(*args: object) -> None:
        display(*args)  # type: ignore[arg-type]
        shown.set()

    app._display = displayed  # type: ignore[method-assign,assignment]
    table = app.screen_stack[0].query_one(RecordTable)
    app.simulate_key("space")
    painted: list[float] = []
    spent: list[float] = []
    while not flooding.done():
        await asyncio.sleep(0.03)
        before, pressed, cpu = table.cursor, time.perf_counter(), time.process_time()
        app.simulate_key("k" if len(painted) % 20 < 10 else "j")
        while table.cursor == before:
            await asyncio.sleep(0)
        shown.clear()
        await shown.wait()
        painted.append((time.perf_counter() - pressed) * 1000)
        spent.append((time.process_time() - cpu) * 1000)
    for what, times in (("", painted), (" (of CPU alone)", spent)):
        times.sort()
        print(f"a key press painted{what}: median {times[len(times) // 2]:.0f} ms, "
              f"p99 {times[len(times) * 99 // 100]:.0f} ms of {len(times)}")  # fmt: skip


async def first_paint(rows: int) -> None:
    window.LIMIT = rows
    feed = FakeFeed([record(0)])
    app = MxtapApp(feed, Settings(name="bench"))
    app.desk.model.window.limit = rows
    records = [record(i) for i in range(rows)]
    now = time.time()
    for item in records:
        app.desk.model.window.add(item, now)
    start = time.perf_counter()
    async with app.run_test(size=SIZE) as pilot:
        screen = app.screen
        assert isinstance(screen, LiveScreen)
        while not screen.table.virtual_size.height > rows:
            await asyncio.sleep(0.001)
        await pilot.pause()
        print(f"first paint with {rows:,} rows: {(time.perf_counter() - start) * 1000:.0f} ms")
        start = time.perf_counter()
        screen.action_filter()
        screen.show_only("code:4xx from:rapid")
        await pilot.pause()
        print(f"filter over {rows:,} rows: {(time.perf_counter() - start) * 1000:.0f} ms")
        start = time.perf_counter()
        await pilot.press("escape")
        screen.table.action_top()
        await pilot.pause()
        print(f"jump to the top: {(time.perf_counter() - start) * 1000:.0f} ms")


if __name__ == "__main__":
    asyncio.run(load(keys=False))
    asyncio.run(load(keys=True))
    asyncio.run(first_paint(100_000))
