"""Many idle sessions at once: their memory, and whether a new client is still served at once.

    python tests/bench/bench_idle.py [SESSIONS]

Each session has greeted and then says nothing. The relay runs in a process of its own, in front
of an upstream in another; clients come from 127.0.1.1 and up. The relay needs two open files a
session: where `ulimit -Hn` is under 20,200, say how many sessions it is to be.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

SESSIONS = 10_000
PER_ADDRESS = 250
AT_ONCE = 100  # connections that are being opened
MEMORY = 600  # MB
SERVED = 1.0  # seconds
LISTEN = ("127.0.0.1", 12_525)
UPSTREAM = ("127.0.0.1", 12_526)

Client = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Sink(asyncio.Protocol):
    """An upstream that takes XCLIENT and agrees to everything."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._tail: bytes | None = None  # of the content, while there is some
        transport.write(b"220 sink.test ESMTP\r\n")

    def data_received(self, data: bytes) -> None:
        if self._tail is not None:
            self._tail = (self._tail + data)[-5:]
            if self._tail == b"\r\n.\r\n":
                self._tail = None
                self._transport.write(b"250 2.0.0 queued\r\n")
            return
        verb = data[:4].upper()
        if verb == b"DATA":
            self._tail = b""
        self._transport.write(
            {
                b"EHLO": b"250-sink.test\r\n250 XCLIENT NAME ADDR PORT\r\n",
                b"XCLI": b"220 sink.test ESMTP\r\n",
                b"DATA": b"354 go\r\n",
                b"QUIT": b"221 2.0.0 bye\r\n",
            }.get(verb, b"250 2.0.0 ok\r\n")
        )


async def sink() -> None:
    """Run the upstream until killed."""
    server = await asyncio.get_running_loop().create_server(Sink, *UPSTREAM, backlog=4096)
    print("READY", flush=True)
    await server.serve_forever()


async def opened(number: int, gate: asyncio.Semaphore) -> Client:
    """A client that has connected and greeted."""
    source = f"127.0.{1 + number // PER_ADDRESS // 200}.{1 + number // PER_ADDRESS % 200}"
    async with gate:
        reader, writer = await asyncio.open_connection(*LISTEN, local_addr=(source, 0), limit=4096)
        assert (await reader.readline()).startswith(b"220")
        writer.write(b"EHLO idle.client.test\r\n")
        while (line := await reader.readline())[3:4] == b"-":
            pass
        assert line.startswith(b"250"), line
    return reader, writer


async def served() -> float:
    """Seconds that a whole session with a message takes."""
    start = time.perf_counter()
    reader, writer = await opened(0, asyncio.Semaphore())
    for line in (b"MAIL FROM:<a@client.test>", b"RCPT TO:<b@home.test>", b"DATA", b"x\r\n."):
        writer.write(line + b"\r\n")
        assert (await reader.readline())[:1] in b"23"
    writer.write(b"QUIT\r\n")
    await reader.readline()
    writer.close()
    return time.perf_counter() - start


def resident(pid: int) -> float:
    """Megabytes of a process in memory."""
    [line] = [x for x in Path(f"/proc/{pid}/status").read_text().splitlines() if "VmRSS" in x]
    return int(line.split()[1]) / 1024


@contextlib.contextmanager
def started(*words: str) -> Iterator[int]:
    """A process that says READY; its id."""
    environ = os.environ | {"MXTAP_ALLOW_ROOT": "1"}
    process = subprocess.Popen(words, stdout=subprocess.PIPE, env=environ)
    try:
        assert process.stdout
        assert process.stdout.readline().startswith(b"READY")
        yield process.pid
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


async def measure(sessions: int, relay: int) -> bool:
    """Open, wait and tell; True where all is as it should be."""
    before, alone = resident(relay), await served()
    gate, start = asyncio.Semaphore(AT_ONCE), time.perf_counter()
    clients = await asyncio.gather(*(opened(number, gate) for number in range(sessions)))
    took = time.perf_counter() - start
    await asyncio.sleep(2)
    after = resident(relay)
    slowest = max([await served() for _ in range(20)])
    print(f"{sessions} idle sessions, opened in {took:.1f} s")
    each = (after - before) * 1024 / sessions
    print(f"memory: {before:.0f} MB, then {after:.0f} MB: {each:.1f} KB each")
    print(f"a new client's session: {alone * 1000:.0f} ms alone, {slowest * 1000:.0f} ms then")
    for _, writer in clients:
        writer.close()
    await asyncio.sleep(3)
    print(f"after they left: {resident(relay):.0f} MB")
    return after < MEMORY and slowest < SERVED


def _text(address: tuple[str, int]) -> str:
    return f"{address[0]}:{address[1]}"


def main(sessions: int) -> int:
    """Run it all."""
    with tempfile.TemporaryDirectory() as folder:
        zone = Path(folder) / "zone"
        zone.write_text("client.test. IN A 127.0.0.1\n")
        options = {
            "limits.sessions": sessions + 100,
            "limits.sessions_per_ip": PER_ADDRESS + 100,
            "limits.sessions_per_network": sessions + 100,
            "capture.mode": "headers",
        }
        words = [f"--set={key}={value}" for key, value in options.items()]
        words += [f"--state={folder}/state", f"--dns-zone={zone}"]
        words += [f"--listen={_text(LISTEN)}", f"--upstream={_text(UPSTREAM)}"]
        with (
            started(sys.executable, __file__, "sink"),
            started(sys.executable, "-m", "monitor.cli", "serve", *words) as relay,
        ):
            return 0 if asyncio.run(measure(sessions, relay)) else 1


if __name__ == "__main__":
    if sys.argv[1:] == ["sink"]:
        asyncio.run(sink())
    sys.exit(main(int(sys.argv[1]) if sys.argv[1:] else SESSIONS))
