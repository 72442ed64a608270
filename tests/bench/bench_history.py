"""History of a million transactions: run by hand, ``python tests/bench/bench_history.py``.

Prints what it costs to write a record, the time to a first page of many filters and of every
order, and on the screen, over the socket of a process beside it, the time from a key press to
the first paint of the answer and to its first rows. ``--rows N`` for another length, and
``--state DIR`` to keep the database for the next time.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from history_rows import RARE, records

from monitor.config import Settings
from monitor.control.client import SocketFeed
from monitor.filter.order import ORDERS
from monitor.hub.search import page
from monitor.store import Store
from monitor.ui.app import MxtapApp
from monitor.ui.screens.live import LiveScreen
from monitor.ui.widgets.state_line import StateLine

BATCH = 250  # records a write: a quarter of a second at 1,000 a second
FILTERS = (
    "code:5xx", "sev:error", "sev>=warning", "spf:fail", "not spf:pass", f"finding:{RARE}",
    "from:sender77", "from:nobody", "to:nobody", "ip:198.18.3.0/24", "tls:none", "invoice",
    "nowhere", '"two words"', "subject:invoice code:4xx", "id:none",
)  # fmt: skip
SERVE = """
import asyncio, sys
from pathlib import Path
from monitor.control.protocol import Status
from monitor.control.server import ControlServer
from monitor.hub import Hub
from monitor.hub.search import search
from monitor.store import Store

async def main():
    store = Store(Path(sys.argv[1]))
    async def history(**query):
        return await asyncio.to_thread(search, store.history, **query)
    status = Status(relay="bench", version="", started=0, now=0)
    server = ControlServer(Hub(store), lambda: status, history)
    await server.start(Path(sys.argv[1]))
    print("READY", flush=True)
    await asyncio.to_thread(sys.stdin.read)

asyncio.run(main())
"""


def ms(since: float) -> float:
    return (time.perf_counter() - since) * 1000


def fill(state: Path, rows: int) -> None:
    store = Store(state)
    spent = 0.0
    for number, record in enumerate(records(rows), 1):
        start = time.perf_counter()
        store.history.add(record)
        if not number % BATCH:
            store.writer.flush()
        spent += time.perf_counter() - start
    store.close()
    size = sum(path.stat().st_size for path in state.iterdir())
    print(f"{rows:,} records: {spent / rows * 1e6:.0f} µs to write one, {size / rows:,.0f} bytes")


def pages(state: Path) -> None:
    store = Store(state)
    for query in ("", *FILTERS):
        for _ in range(2):
            start = time.perf_counter()
            found = page(store.history, limit=500, query=query)
            first, spent, rows = ms(start), 0.0, len(found.records)
            while found.reached and rows < 500:
                found = page(store.history, limit=500, query=query, past=found.reached)
                rows += len(found.records)
            spent = ms(start)
        print(
            f"  {query or '(all)':28} first page {first:5.0f} ms   {rows} found in {spent:5.0f} ms"
        )
    for order in ORDERS:
        for backward in (True, False):
            for _ in range(2):
                start = time.perf_counter()
                page(store.history, limit=500, order=order, backward=backward)
                first = ms(start)
            name = f"{order}, from the {'greatest' if backward else 'least'}"
            print(f"  {name:28} first page {first:5.0f} ms")
    store.close()


async def screen(state: Path) -> None:
    app = MxtapApp(SocketFeed(state), Settings(name="bench"))
    async with app.run_test(size=(160, 48)) as pilot:
        await pilot.pause()
        live = app.screen
        assert isinstance(live, LiveScreen)
        window, state_line = app.desk.model.window, live.query_one(StateLine)
        painted: list[float] = []
        display = app._display

        def displayed(*args: object) -> None:
            display(*args)  # type: ignore[arg-type]
            painted.append(time.perf_counter())

        app._display = displayed  # type: ignore[method-assign,assignment]
        while not window.shown:
            await asyncio.sleep(0.01)

        async def until(done: Callable[[], object], start: float) -> float:
            """Milliseconds from ``start`` to the first paint after ``done`` is true."""
            while not done():
                await asyncio.sleep(0)
            at = time.perf_counter()
            while not painted or painted[-1] < at:
                await asyncio.sleep(0)
            return (painted[-1] - start) * 1000

        worst = 0.0
        for query in FILTERS:
            start = time.perf_counter()
            live.show_only(query)
            wanted = lambda: window.filter is not None and window.filter.text == query  # noqa: E731, B023
            first = await until(wanted, start)
            rows = await until(lambda: window.shown or live._searched(), start)
            await until(lambda: state_line.searching is None and live._search is not None, start)
            worst = max(worst, first)
            print(f"  {query:28} first paint {first:5.0f} ms   first rows {rows:5.0f} ms")
            live.action_clear()
            await asyncio.sleep(0.3)
        for name, press, done in (
            ("order by finding", "o", lambda: window.order == "severity"),
            ("from its other end", "O", lambda: not window.descending),
            ("order by reply", "o", lambda: window.order == "code"),
            ("order by client", "o", lambda: window.order == "ip"),
            ("to the last client", "G", lambda: not live.table.going),
            ("back to the live rows", "o", lambda: not window.away),
            ("to the very first row", "g", lambda: window.away),
            ("to the very last row", "G", lambda: not window.away),
        ):
            start = time.perf_counter()
            app.simulate_key(press)
            await asyncio.sleep(0)
            took = await until(done, start)
            worst = max(worst, took)
            print(f"  {name:28} first paint {took:5.0f} ms")
            await asyncio.sleep(0.3)
        print(f"the slowest first paint: {worst:.0f} ms")


def on_screen(state: Path) -> None:
    server = subprocess.Popen(
        [sys.executable, "-c", SERVE, str(state)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with server:
        assert server.stdout
        server.stdout.readline()
        asyncio.run(screen(state))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--state", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        where = given.state or Path(folder)
        if not (where / "mxtap.db").exists():
            fill(where, given.rows)
        pages(where)
        on_screen(where)
