"""What two workers carry, beside one process that does it all. By hand:

    python tests/bench/bench_workers.py [SECONDS] [ROUNDS]

A 4 KB message with DKIM, SPF and DMARC to check, one a session, 50 sessions at once; the relay
asks a zone file, captures and stores as by default, and has a sink behind it. Load and sink
take part of the same machine, and so do its other users: what a machine carries is therefore
computed from CPU times. The processes of the relay have two cores of their own in that sum, none
of them can use more than one, and the busiest thread of one process can neither. The relay
yields to load and sink, so that it is what is short: a process that waits for work takes more
time for each piece of it.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "findings")]

from bench_idle import Sink, started  # noqa: E402
from mail_signing import record, rsa_key, sign  # noqa: E402

CLIENTS = 50
CORES = 2
WANTED = 1.7
LISTEN, UPSTREAM = ("127.0.0.1", 12_535), ("127.0.0.1", 12_536)
TICK = os.sysconf("SC_CLK_TCK")
KEY = record(rsa_key())
ZONE = f"""
author.example. TXT "v=spf1 ip4:127.0.0.0/8 -all"
author.example. MX 10 mail.author.example.
mail.author.example. A 127.0.0.1
1.0.0.127.in-addr.arpa. PTR mail.author.example.
_dmarc.author.example. TXT "v=DMARC1; p=reject"
s._domainkey.author.example. TXT "{KEY[:250]}" "{KEY[250:]}"
"""
MESSAGE = sign(
    b"From: Joe <joe@author.example>\r\nTo: ann@home.example\r\nSubject: two words\r\n"
    b"Date: Tue, 3 Mar 2026 12:32:02 +0000\r\nMessage-ID: <1@author.example>\r\n\r\n"
    + b"So we rode on, and the day was long and the road was dry.\r\n"
    * 56
)


async def sink() -> None:
    """Run the upstream until killed."""
    server = await asyncio.get_running_loop().create_server(Sink, *UPSTREAM, backlog=4096)
    print("READY", flush=True)
    await server.serve_forever()


class Sender(asyncio.Protocol):
    """One session with one message; the future is its end."""

    def __init__(self, done: asyncio.Future[bool]) -> None:
        self._done = done
        self._words = iter(
            (
                b"EHLO mail.author.example\r\n",
                b"MAIL FROM:<joe@author.example>\r\n",
                b"RCPT TO:<ann@home.example>\r\n",
                b"DATA\r\n",
                MESSAGE + b"\r\n.\r\n",
                b"QUIT\r\n",
            )
        )
        self._accepted = False
        self._last = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """See asyncio."""
        self._last += data
        line = self._last[self._last.rfind(b"\n", 0, -1) + 1 :]
        if not line.endswith(b"\n") or line[3:4] == b"-":
            return
        self._last = b""
        word = next(self._words, None)
        if word is None or line[:1] not in b"23":
            self._transport.close()
            return
        self._accepted = word == b"QUIT\r\n"
        self._transport.write(word)

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio."""
        if not self._done.done():
            self._done.set_result(self._accepted)


async def load(seconds: float) -> tuple[int, int]:
    """Send for a while; how many messages were accepted, and how many not."""
    loop, counts = asyncio.get_running_loop(), [0, 0]
    end = loop.time() + seconds

    async def client() -> None:
        while loop.time() < end:
            done: asyncio.Future[bool] = loop.create_future()
            try:
                await loop.create_connection(lambda: Sender(done), *LISTEN)  # noqa: B023
                counts[not await done] += 1
            except OSError:
                counts[1] += 1

    await asyncio.gather(*(client() for _ in range(CLIENTS)))
    return counts[0], counts[1]


class Used(NamedTuple):
    """CPU seconds of a process, and of its busiest thread."""

    process: float
    thread: float


def used(pid: int) -> Used:
    """Since it began."""
    threads = [_cpu(task / "stat") for task in Path(f"/proc/{pid}/task").iterdir()]
    return Used(_cpu(Path(f"/proc/{pid}/stat")), max(threads))


def _cpu(stat: Path) -> float:
    words = stat.read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / TICK


def children(pid: int) -> list[int]:
    """The processes that ``pid`` started."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int(x) for task in tasks for x in (task / "children").read_text().split()]


class Figures(NamedTuple):
    """Of one run: CPU in milliseconds a message, rates a second."""

    rate: float  # as it was, load and sink on the same cores
    carried: float  # on cores of their own
    relay: float
    hub: float
    busiest: float
    share: float  # of the busiest worker, of all messages' work in workers
    load: float
    sink: float


def run(workers: int, seconds: float, sink_pid: int) -> Figures:
    """One run with as many workers."""
    with tempfile.TemporaryDirectory() as folder:
        zone = Path(folder) / "zone"
        zone.write_text(ZONE)
        words = [
            f"--set={key}={value}"
            for key, value in {
                "workers": workers,
                "limits.sessions_per_ip": 1_000,
                "limits.sessions_per_network": 1_000,
                "log.level": "error",
            }.items()
        ]
        words += [f"--state={folder}/state", f"--dns-zone={zone}"]
        words += [f"--listen={_text(LISTEN)}", f"--upstream={_text(UPSTREAM)}"]
        command = ("nice", "-n", "10", sys.executable, "-m", "monitor.cli", "serve")
        with started(*command, *words) as relay:
            asyncio.run(load(1.0))  # what is done once is done
            pids = [relay, *children(relay)]
            before = {pid: used(pid) for pid in (*pids, sink_pid)}
            own, start = time.process_time(), time.perf_counter()
            sent, failed = asyncio.run(load(seconds))
            took, own = time.perf_counter() - start, time.process_time() - own
            time.sleep(1)  # what is written behind is part of it
            after = {pid: used(pid) for pid in (*pids, sink_pid)}
    assert not failed, f"{sent} messages sent, {failed} failed"
    each = {
        pid: Used(*(1000 * (b - a) / sent for a, b in zip(before[pid], after[pid], strict=True)))
        for pid in before
    }
    total = sum(each[pid].process for pid in pids)
    busiest = max(each[pid].thread if workers == 1 else each[pid].process for pid in pids)
    of_workers = [each[pid].process for pid in pids[1:]] or [total]
    return Figures(
        rate=sent / took,
        carried=1000 * min(CORES / total, 1 / busiest),
        relay=total,
        hub=each[relay].process,
        busiest=busiest,
        share=max(of_workers) / sum(of_workers),
        load=1000 * own / sent,
        sink=each[sink_pid].process,
    )


def _text(address: tuple[str, int]) -> str:
    return f"{address[0]}:{address[1]}"


def main(seconds: float, rounds: int) -> int:
    """Alternate, and tell the medians."""
    found: dict[int, list[Figures]] = {1: [], 2: []}
    with started(sys.executable, __file__, "sink") as sink_pid:
        for _ in range(rounds):
            for workers, figures in found.items():
                figures.append(run(workers, seconds, sink_pid))
                print(workers, " ".join(f"{n}={v:.2f}" for n, v in figures[-1]._asdict().items()))
    middle = {
        workers: Figures(*map(statistics.median, zip(*figures, strict=True)))
        for workers, figures in found.items()
    }
    print(f"{'workers':>10}" + "".join(f"{name:>10}" for name in Figures._fields))
    for workers, figures in middle.items():
        print(f"{workers:>10}" + "".join(f"{figure:>10.2f}" for figure in figures))
    ratio = middle[2].carried / middle[1].carried
    print(f"two workers carry {ratio:.2f} times what one process does; wanted {WANTED}")
    return ratio < WANTED


if __name__ == "__main__":
    if sys.argv[1:] == ["sink"]:
        asyncio.run(sink())
    SECONDS, ROUNDS = (*sys.argv[1:], *("8", "3")[len(sys.argv) - 1 :])
    sys.exit(main(float(SECONDS), int(ROUNDS)))
