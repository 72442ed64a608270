"""Mixed traffic at full speed with faults, for long: is memory flat, is nothing leaked or lost?

    python tests/bench/soak.py [MINUTES]

MINUTES (30) of messages as in ``tests/faults``, one fault after the other around one relay, and
clients beside them that break off, idle, say rubbish or fail at TLS. The first third is for the
relay to reach its full size. Memory is that of its processes, resident, the mean of the last
third beside that of the second; descriptors are counted while nobody is there.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "faults"), str(TESTS / "real")]

import mta  # noqa: E402
from ledger import Message  # noqa: E402
from scenarios import ANYWHERE, Stage  # noqa: E402

MINUTES = 30.0
SENDERS = 8
STEP = 150  # messages of a fault, and as many of calm
PEOPLE = 500
FLAT = 1.05
NOISE = 5  # clients at once that are no good
QUIET = 5.0  # seconds for what the last clients left behind
RESTARTING = ("database deleted", "database corrupt", "killed")  # those would be other processes
RUBBISH = (
    b"",
    b"GET / HTTP/1.1\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"x" * 600,
    b"EHLO x\r\nSTARTTLS\r\n",
    b"EHLO x\r\nMAIL FROM:<a@s1.test>\r\nRCPT TO:<r@home.test>\r\nDATA\r\nSubject: half",
    b"EHLO x\r\nMAIL FROM:<a@s1.test>\r\nRCPT TO:<r@home.test>\r\nDATA\r\nbare\n.\n\r\n.\r\n",
    b"NOOP " + b"x" * 9_000 + b"\r\n",
    b"EHLO x\r\n" * 200,
    b"\0\xff\r\n" * 50,
)


class Readings:
    """What the relay's processes hold."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.memory: list[int] = []  # bytes

    @property
    def descriptors(self) -> int:
        """Open files."""
        return sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in self._stage.pids)

    @property
    def resident(self) -> int:
        """Bytes of memory."""
        statm = [Path(f"/proc/{pid}/statm").read_text() for pid in self._stage.pids]
        return sum(int(text.split()[1]) for text in statm) * os.sysconf("SC_PAGESIZE")

    async def watch(self) -> None:
        """Sample memory, from now on."""
        while True:
            self.memory.append(self.resident)
            await asyncio.sleep(1)


async def rubbish(port: int, chance: random.Random) -> None:
    """One client after the other that is no good."""
    while True:
        with contextlib.suppress(OSError, TimeoutError):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(chance.choice(RUBBISH))
                async with asyncio.timeout(chance.uniform(0, 1)):
                    while await reader.read(65_536):
                        pass
            finally:
                (writer.close if chance.random() < 0.5 else writer.transport.abort)()
        await asyncio.sleep(chance.uniform(0, 0.2))


async def sent(stage: Stage, until: float) -> Counter[str]:
    """Send, while faults come and go; which there were."""
    seen: Counter[str] = Counter()
    faults = [fault for fault in ANYWHERE if fault.name not in RESTARTING]

    def messages() -> Iterator[Message]:
        while time.monotonic() < until:
            yield stage.ledger.make(stage.chance, doubtful=True)

    sending = asyncio.create_task(stage.senders.send(messages(), SENDERS))
    while time.monotonic() < until:
        fault = stage.chance.choice(faults)
        try:
            await fault.bring(stage, STEP, *fault.args)
        except TimeoutError:
            if time.monotonic() < until:  # there is mail that could come
                seen[f"mail stood still: {fault.name}"] += 1
        stage.mta.mood = mta.well
        stage.names.mood = "well"
        seen[fault.name] += 1
        await asyncio.sleep(1)
    async with asyncio.timeout(120):
        await sending
    return seen


async def soak(minutes: float, folder: Path) -> bool:
    """Run, and say how it went."""
    async with Stage(folder).up() as stage:
        stage.ledger.people = PEOPLE
        readings = Readings(stage)
        seen: Counter[str] = Counter()
        descriptors: list[int] = []
        for share in (1 / 3, 2 / 3):
            async with asyncio.TaskGroup() as group:
                beside = [group.create_task(readings.watch())]
                noise = (rubbish(stage.relay.port, stage.chance) for _ in range(NOISE))
                beside += [group.create_task(each) for each in noise]
                seen += await sent(stage, time.monotonic() + minutes * 60 * share)
                for task in beside:
                    task.cancel()
            await asyncio.sleep(QUIET)
            descriptors.append(readings.descriptors)

        third = len(readings.memory) // 3
        early = statistics.mean(readings.memory[third : 2 * third])
        late = statistics.mean(readings.memory[-third:])
        found, count = stage.ledger.faults(), len(stage.ledger.sent)
        print(f"{count:,} messages, {count / minutes / 60:.0f} a second: {found or 'all well'}")
        print("faults:", dict(seen))
        print(f"memory: {early / 1e6:.1f} MB, then {late / 1e6:.1f} MB ({late / early - 1:+.1%})")
        print("memory by tenths, MB:", [round(m / 1e6) for m in tenths(readings.memory)])
        print("descriptors: {}, then {}".format(*descriptors))
        flat = late < early * FLAT and descriptors[1] <= descriptors[0] + 2
        return not found and flat and stage.alive


def tenths(values: list[int]) -> list[float]:
    """The mean of each tenth."""
    size = max(1, len(values) // 10)
    return [statistics.mean(values[n : n + size]) for n in range(0, len(values) - size + 1, size)]


def main() -> int:
    """1 where anything leaked or was lost."""
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else MINUTES
    with tempfile.TemporaryDirectory() as folder:
        return 0 if asyncio.run(soak(minutes, Path(folder))) else 1


if __name__ == "__main__":
    sys.exit(main())
