"""What an attempt costs the retry memory, with few and with a million remembered.

    .venv/bin/python tests/bench/bench_retry.py

Prints the time of an attempt at 1,000 and at 1,000,000 remembered keys, alternating, and
what the million takes of disk and of memory. Aims: at most 1.5 times as long, under 400 MB.
"""

from __future__ import annotations

import gc
import itertools
import random
import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path

from monitor import events as ev
from monitor.config import Retry
from monitor.findings.retry.discipline import Retries
from monitor.findings.views import Session, Transaction
from monitor.store import Store

FEW, MANY = 1_000, 1_000_000
ROUNDS, ATTEMPTS = 7, 2_000
START = 1_800_000_000.0


def attempt(retries: Retries, number: int, at: float) -> None:
    """Feed one deferred attempt of the ``number``-th sender."""
    session, ip = f"{number:016x}", f"198.{number >> 16 & 15}.{number >> 8 & 255}.{number & 255}"
    opened = ev.Opened(
        session=session, at=at, relay="mx1", ip=ip, port=4_000, local_ip="192.0.2.1", local_port=25
    )
    mail = ev.Mail(
        session=session, at=at + 0.1, transaction=f"{session}-1", code=250, reply="2.1.0 Ok",
        address=f"bounces-{number}@mailing-{number % 5_000}.example", by="upstream",
        params=("SIZE=4321",),
    )  # fmt: skip
    view = Session(opened=opened, transactions=1, helo=f"out.mailing-{number % 5_000}.example")
    view.current = tx = Transaction(id=mail.transaction, started=at, mail=mail)
    reply = "4.2.0 Greylisted, see http://postgrey.schweikert.ch/help/here.example.html"
    tx.rcpts.append(
        ev.Rcpt(
            session=session, at=at + 0.2, transaction=tx.id, code=450, reply=reply,
            address=f"user{number % 300}@here.example", by="upstream",
        )
    )  # fmt: skip
    verdict = ev.Verdict(code=450, reply=reply, phase="rcpt", by="upstream")
    ended = ev.Ended(session=session, at=at + 0.3, transaction=tx.id, verdict=verdict)
    for _ in retries(view, ended):
        pass


class Filled:
    """A store in which so many senders wait."""

    def __init__(self, folder: Path, keys: int) -> None:
        self.keys, self.store = keys, Store(folder)
        self.retries = Retries(Retry(), self.store.memory)
        for number in range(keys):
            attempt(self.retries, number, START + number * 0.01)
            if not number % 20_000:
                self.store.writer.flush()
        self.store.writer.flush()
        self.at = START + keys * 0.01 + 1_000
        self.new = itertools.count(keys)

    def round(self) -> float:
        """Seconds of CPU an attempt: half are retries of known senders, half are new ones."""
        picked = [random.randrange(self.keys) for _ in range(ATTEMPTS // 2)]
        numbers = [n for pair in zip(picked, self.new, strict=False) for n in pair]
        gc.collect()
        before = time.thread_time()
        for number in numbers:
            self.at += 0.01
            attempt(self.retries, number, self.at)
        spent = time.thread_time() - before
        self.store.writer.flush()
        return spent / len(numbers)


def main() -> None:
    """Fill both, measure in turns, print."""
    random.seed(4)
    with tempfile.TemporaryDirectory() as folder:
        few, many = Path(folder, "few"), Path(folder, "many")
        small = Filled(few, FEW)
        resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        large = Filled(many, MANY)
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - resident
        costs = [(small.round(), large.round()) for _ in range(ROUNDS)]
        one, other = (statistics.median(column) for column in zip(*costs, strict=True))
        size = sum(file.stat().st_size for file in many.glob("mxtap.db*"))
        large.store.close()
        closed = sum(file.stat().st_size for file in many.glob("mxtap.db*"))
        small.store.close()
        print(f"an attempt at {FEW:>9,}: {one * 1e6:6.1f} us")
        print(f"an attempt at {MANY:>9,}: {other * 1e6:6.1f} us   {other / one:.2f}x (aim 1.5x)")
        print(f"disk: {size / 1e6:.0f} MB, {closed / 1e6:.0f} MB when closed (aim 400 MB)")
        print(f"memory: {grown / 1024:.0f} MB more than with {FEW:,}")
    if other / one > 1.5 or size > 400e6:
        sys.exit(1)


if __name__ == "__main__":
    main()
