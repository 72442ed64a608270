"""Opening a capture of a million transactions at its middle: under a second, under 200 MB.

Run it by hand: ``python tests/bench/bench_capture.py [TRANSACTIONS] [FOLDER]``. Making the
file takes a minute or two; it is kept in FOLDER for the next time.
"""

from __future__ import annotations

import asyncio
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "capture"))

from capture_sessions import START, session

from monitor import events as ev
from monitor.capture.feed import CaptureFeed
from monitor.capture.file import CaptureFile, new_header
from monitor.capture.format import Note, pack
from monitor.capture.sheet import FULL
from monitor.config import Settings

MARK = 1_000_000_000.0


class Ready:
    """Lines that were encoded already, as a sheet."""

    def __init__(self, lines: bytes, note: Note) -> None:
        self._made = pack(lines, note)

    def packed(self) -> tuple[Note, bytes]:
        return self._made


def make(path: Path, transactions: int) -> None:
    """Write one session again and again, a hundredth of a second apart."""
    events = session(7_777_777, at=MARK)
    template = b"".join(ev.encode(event) + b"\n" for event in events)
    file = CaptureFile(path, new_header(START, "mx", "headers"))
    each = FULL // len(template) + 1
    for first in range(0, transactions, each):
        count = min(each, transactions - first)
        lines = bytearray()
        for number in range(first, first + count):
            at = START + number * 0.01
            one = template.replace(b"7777777", b"%07d" % number)
            lines += one.replace(b"1000000000.", b"%d." % at)
        note = Note(0, 0, START + first * 0.01, START + (first + count) * 0.01 + 1,
                    count * len(events), count)  # fmt: skip
        file.write(Ready(bytes(lines), note))  # type: ignore[arg-type]
    file.close()


async def open_middle(path: Path) -> int:
    from monitor.capture.sources import open_reel

    feed = CaptureFeed(open_reel([path], Settings()))
    await feed.start()
    feed.playback.seek_percent(50)
    page = await feed.history(limit=500)
    await feed.close()
    return len(page)


def main() -> None:
    transactions = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    folder = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(tempfile.mkdtemp())
    path = folder / f"{transactions}.mxtap"
    if "--open" in sys.argv:
        started, worked = time.perf_counter(), time.process_time()
        shown = asyncio.run(open_middle(path))
        took, cpu = time.perf_counter() - started, time.process_time() - worked
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(
            f"opened at the middle with {shown} records: {took:.2f} s, {cpu:.2f} s of them"
            f" at work, {peak:.0f} MB at most"
        )
        return
    if not path.exists():
        started = time.perf_counter()
        make(path, transactions)
        print(f"made in {time.perf_counter() - started:.0f} s: {path.stat().st_size >> 20} MiB")
    # A process of its own, so that the making does not count.
    command = [sys.executable, __file__, str(transactions), str(folder), "--open"]
    subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
