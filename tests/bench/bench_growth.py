"""What a long history costs the mail: by hand, ``python tests/bench/bench_growth.py``.

For every length of history a relay takes the same messages, in turns; the CPU of a message and
the memory are compared with the shortest history. Then all of the longest history becomes too
old, and messages go through while it is pruned. ``--rows`` for other lengths; ten million take
some 15 GB of disk.
"""

from __future__ import annotations

import argparse
import contextlib
import sqlite3
import statistics
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "real"))

from harness_net import Dialogue
from harness_relay import Relay
from history_rows import END, records
from load import cpu, message, pour, sink
from load import records as zone
from sqlmodel import SQLModel

from monitor.store import Store

BASE = 10_000  # records that are made; more are copies of them, each with an id of its own
REMEMBERED = 10  # one attempt in so many is still remembered
COUNT, ROUNDS = 500, 4
CHANGED = {  # the columns of a copy that differ, as SQL
    "transactions": {
        "n": "n + :by",
        "id": "printf('%014x-1', n + :by)",
        "ended": "ended - :ago",
    },
    "records": {"n": "n + :by"},
    "memory": {"key": "key || :of"},
}


def fill(state: Path, rows: int) -> None:
    """A history of ``rows`` transactions, and the memory that goes with it."""
    store = Store(state)
    for record in records(min(rows, BASE)):
        store.history.add(record)
    store.writer.flush()
    for number in range(BASE // REMEMBERED):
        store.memory.put("retry", f"key {number}", b"x" * 200, time.time() + 1e6 + number)
    store.close()
    database = sqlite3.connect(state / "mxtap.db", isolation_level=None)
    database.execute("PRAGMA synchronous=OFF")
    query = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
    indexes = database.execute(query).fetchall()
    for name, _ in indexes:
        database.execute(f"DROP INDEX {name}")
    for table in CHANGED:
        database.execute(f"CREATE TEMP TABLE first_{table} AS SELECT * FROM {table}")
    for copy in range(1, rows // BASE):
        values = {"by": copy * BASE, "of": f".{copy}", "ago": copy * BASE * 0.5}
        database.execute("BEGIN")
        for table, changed in CHANGED.items():
            names = [column.name for column in SQLModel.metadata.tables[table].columns]
            picked = ", ".join(changed.get(name, f'"{name}"') for name in names)
            database.execute(f"INSERT INTO {table} SELECT {picked} FROM first_{table}", values)
        database.execute("COMMIT")
    for _, definition in indexes:
        database.execute(definition)
    database.close()


@contextlib.contextmanager
def relaying(state: Path, folder: Path, port: int, *options: str):
    """A relay on ``state``."""
    (folder / "zone").write_text("\n".join(zone()))
    options = (
        "--dns-zone", str(folder / "zone"), "--set=limits.sessions_per_ip=1000",
        "--set=limits.sessions_per_network=1000", *options,
    )  # fmt: skip
    relay = Relay(state, port, *options)
    try:
        relay.start()
        yield relay
        relay.stop()
    finally:
        relay.kill()


def resident(pid: int) -> float:
    """Megabytes of a process in memory."""
    [line] = [x for x in Path(f"/proc/{pid}/status").read_text().splitlines() if "VmRSS" in x]
    return int(line.split()[1]) / 1024


def turn(state: Path, folder: Path, port: int) -> tuple[float, float]:
    """Milliseconds of CPU a message, and megabytes after them."""
    with relaying(state, folder, port, "--set=history.days=0") as relay:
        pour(folder / "message", relay.port, 100)
        before = cpu(relay.pid)
        pour(folder / "message", relay.port, COUNT)
        time.sleep(1)
        return (cpu(relay.pid) - before) / COUNT * 1e3, resident(relay.pid)


def served(port: int) -> float:
    """Seconds of a session with one message."""
    start = time.perf_counter()
    with Dialogue(port) as client:
        client.envelope(b"a@sink.test", b"joe@author.example")
        assert client.say(b"Subject: x\r\n\r\nx\r\n.").startswith(b"250")
        client.say(b"QUIT")
    return time.perf_counter() - start


def pruning(state: Path, folder: Path, port: int, seconds: float) -> None:
    """Sessions while the history is pruned, beside those of a relay that forgets nothing."""
    for name, days in (("without", 0), ("with", 1)):
        with relaying(state, folder, port, f"--set=history.days={days}") as relay:
            was = count(state)
            ends = time.monotonic() + seconds
            with ThreadPoolExecutor(2) as clients:
                each = [clients.submit(until, ends, relay.port) for _ in range(2)]
            times = sorted(took for client in each for took in client.result())
            middle, slow = statistics.median(times), times[-len(times) // 100]
            print(
                f"{name:8} pruning: {len(times)} sessions in {seconds:.0f} s, median"
                f" {middle * 1e3:.1f} ms, 99 % {slow * 1e3:.1f}, slowest {times[-1] * 1e3:.1f};"
                f" {was - count(state):,} rows went"
            )


def until(ends: float, port: int) -> list[float]:
    """Session after session up to a time."""
    times = []
    while time.monotonic() < ends:
        times.append(served(port))
    return times


def count(state: Path) -> int:
    """Transactions from before the messages of this bench."""
    with contextlib.closing(sqlite3.connect(state / "mxtap.db")) as database:
        query = "SELECT count(*) FROM transactions WHERE ended <= ?"
        return int(database.execute(query, (END,)).fetchone()[0])


def main() -> None:
    """Fill, take turns, prune."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 1_000_000])
    parser.add_argument("--seconds", type=float, default=20)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place, sink(Path(place)) as (port, _):
        folder = Path(place)
        (folder / "message").write_bytes(message(4_300).replace(b"\r\n", b"\n"))
        states = {}
        for rows in given.rows:
            states[rows] = folder / f"state{rows}"
            states[rows].mkdir()
            start = time.perf_counter()
            fill(states[rows], rows)
            size = (states[rows] / "mxtap.db").stat().st_size / 1e6
            print(f"{rows:,} rows: {size:,.0f} MB, {time.perf_counter() - start:.0f} s to make")
        runs: dict[int, list[tuple[float, float]]] = {rows: [] for rows in given.rows}
        for number in range(ROUNDS):
            for rows in given.rows if number % 2 == 0 else given.rows[::-1]:
                runs[rows].append(turn(states[rows], folder, port))
        first = statistics.median(cost for cost, _ in runs[given.rows[0]])
        for rows, turns in runs.items():
            costs, memory = [cost for cost, _ in turns], max(size for _, size in turns)
            middle = statistics.median(costs)
            print(
                f"{rows:>11,} rows: {middle:.2f} ms of CPU a message ({min(costs):.2f} to"
                f" {max(costs):.2f}), {middle / first:.2f} times the first; {memory:.0f} MB"
            )
        pruning(states[given.rows[-1]], folder, port, given.seconds)


if __name__ == "__main__":
    main()
