"""The faults, one a function: it brings the fault about while mail comes, and takes it away again.

From there on mxtap has to recover by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pty
import random
import resource
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import mta as mtas
import nameserver
from harness_relay import MXTAP, Relay, environment
from ledger import Ledger, Message
from mta import Mta
from nameserver import NameServer
from senders import Senders

from monitor.capture.folder import RETRY

PROGRAM = (sys.executable, str(Path(__file__).with_name("sick.py")))
LIMITS = {
    "limits.upstream_connect": 2,
    "limits.upstream_reply": 0.5,
    "limits.upstream_dot": 2,
    "limits.sessions_per_ip": 1000,
    "limits.sessions_per_network": 1000,
    "limits.spool_memory": 50_000,
    "limits.drain": 2,
    "dns.timeout": 0.3,
    "checks.deadline": 0.4,
    "capture.mode": "full",
    "capture.disk_floor": 0,
}


PATIENCE = 20.0  # seconds for mail to go on


class Stage:
    """A relay, its upstream, its name server and its clients, in front of which faults appear."""

    def __init__(self, folder: Path, seed: int = 1) -> None:
        self.chance = random.Random(seed)
        self.state = folder / "state"
        self.ledger = Ledger()
        self.mta = Mta(self.ledger, self.chance)
        self.names = NameServer(self.chance)
        self.relay: Relay
        self.senders: Senders

    @contextlib.asynccontextmanager
    async def up(self, sick: str = "", **limits: object) -> AsyncIterator[Stage]:
        """Everything runs inside; ``sick`` is how the relay is (sick.py)."""
        await self.mta.start()
        await self.names.start()
        options = ["--identity", "xclient", "--dns", f"127.0.0.1:{self.names.port}"]
        for key, value in (LIMITS | limits).items():
            options += ["--set", f"{key}={value}"]
        self.relay = Relay(self.state, self.mta.port, *options)
        if sick:
            self.relay.program = (*PROGRAM, sick)
        try:
            await asyncio.to_thread(self.relay.start)
            self.senders = Senders(self.relay.port, self.ledger, self.chance)
            yield self
        finally:
            self.relay.kill()
            await self.names.stop()
            await self.mta.stop()

    async def flows(self, count: int) -> None:
        """Wait until ``count`` more messages are accepted.

        Raises TimeoutError where none is for as long as patience lasts.
        """
        goal = self.ledger.accepted + count
        while self.ledger.accepted < goal:
            before = self.ledger.accepted
            async with asyncio.timeout(PATIENCE):
                while self.ledger.accepted == before:
                    await asyncio.sleep(0.01)

    def faults(self) -> dict[str, list[str]]:
        """What happened to messages so far; from then on a new account is kept."""
        found, ledger = self.ledger.faults(), Ledger()
        if found:
            self.ledger = self.mta.ledger = self.senders.ledger = ledger
        return found

    @property
    def alive(self) -> bool:
        """True while the relay's process runs."""
        return self.relay.process is not None and self.relay.process.poll() is None

    @property
    def pids(self) -> list[int]:
        """The processes of the relay."""
        return _group(self.relay.pid)


def _group(leader: int) -> list[int]:
    """The processes of a process group."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if os.getpgid(int(folder.name)) == leader:
                found.append(int(folder.name))
    return found


# The upstream


async def upstream_moody(stage: Stage, count: int, kind: str, rate: float = 0.1) -> None:
    """Of all that it says, a part goes wrong."""
    stage.mta.mood = mtas.moody(stage.chance, rate, (kind,))
    await stage.flows(count * 3 // 4)
    stage.mta.mood = mtas.well


async def upstream_in_turn(stage: Stage, count: int) -> None:
    """Every kind of fault at every phase, one after the other."""
    stage.mta.mood = mtas.in_turn()
    await stage.flows(count * 3 // 4)
    stage.mta.mood = mtas.well


async def upstream_down(stage: Stage, count: int) -> None:
    """Nobody listens; what was open is cut."""
    await stage.flows(count // 4)
    await stage.mta.stop()
    await asyncio.sleep(0.3)
    await stage.mta.start()


# DNS


async def dns(stage: Stage, count: int, mood: str) -> None:
    """The name server is in ``mood``; mail goes on."""
    stage.names.mood = mood
    await stage.flows(count * 3 // 4)
    stage.names.mood = "well"


# The disk


async def disk_full(stage: Stage, count: int) -> None:
    """No file grows any more, whichever it is; small messages go on, others hear 452."""
    pids = stage.pids
    for pid in pids:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    try:
        await stage.flows(count // 2)
    finally:
        for pid in pids:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)


async def folder_full(stage: Stage, count: int, folder: str) -> None:
    """A file system of its own, which is filled to the last byte."""
    filler = stage.state / folder / "filler"
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)
    await stage.flows(count // 2)
    filler.unlink()


async def folder_read_only(stage: Stage, count: int, folder: str) -> None:
    """A file system of its own, which cannot be written to."""
    await _remount(stage.state / folder, "ro")
    await stage.flows(count // 2)
    await _remount(stage.state / folder, "rw")


async def captures_read_only(stage: Stage, count: int) -> None:
    """From the start; once it can be written to, captures are written."""
    folder = stage.state / "captures"
    await asyncio.to_thread(stage.relay.stop)
    await _remount(folder, "ro")
    before = len(os.listdir(folder))
    await asyncio.to_thread(stage.relay.start)
    await stage.flows(count // 3)
    await _remount(folder, "rw")
    async with asyncio.timeout(RETRY + PATIENCE):
        while len(os.listdir(folder)) <= before:
            await stage.flows(1)


async def _remount(folder: Path, how: str) -> None:
    async with asyncio.timeout(20):
        while not _mount("-o", f"remount,{how}", str(folder)):
            await asyncio.sleep(0.01)  # a file is open


def _mount(*args: str) -> bool:
    return subprocess.run(["mount", *args], check=False, capture_output=True).returncode == 0


@contextlib.contextmanager
def mounted(folder: Path) -> Iterator[bool]:
    """A small file system at ``folder``; False where this machine does not let us."""
    folder.mkdir(parents=True)
    done = _mount("-t", "tmpfs", "-o", "size=8m,mode=700", "tmpfs", str(folder))
    try:
        yield done
    finally:
        if done:
            subprocess.run(["umount", "-l", folder], check=False)


async def database_locked(stage: Stage, count: int) -> None:
    """Another process writes, and does not come to an end."""
    other = sqlite3.connect(stage.state / "mxtap.db", timeout=10)
    other.execute("BEGIN EXCLUSIVE")
    try:
        await stage.flows(count * 3 // 4)
    finally:
        other.rollback()
        other.close()


async def database_corrupt(stage: Stage, count: int) -> None:
    """Noise is written all over it, and the relay started again."""
    await stage.flows(count // 4)
    with (stage.state / "mxtap.db").open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        file.write(stage.chance.randbytes(size))
    await stage.flows(count // 4)
    await asyncio.to_thread(stage.relay.stop)
    with (stage.state / "mxtap.db").open("r+b") as file:
        file.write(stage.chance.randbytes(size))
    await asyncio.to_thread(stage.relay.start)


async def database_deleted(stage: Stage, count: int) -> None:
    """It is gone, and the relay started again."""
    await stage.flows(count // 4)
    for path in stage.state.glob("mxtap.db*"):
        path.unlink()
    await stage.flows(count // 4)
    await asyncio.to_thread(stage.relay.stop)
    await asyncio.to_thread(stage.relay.start)


# Processes


async def killed(stage: Stage, count: int, times: int = 1) -> None:
    """SIGKILL at any moment."""
    for _ in range(times):
        await stage.flows(count // (times + 1))
        await asyncio.sleep(stage.chance.uniform(0, 0.1))
        stage.relay.kill()
        await asyncio.to_thread(stage.relay.start)


async def worker_killed(stage: Stage, count: int, times: int = 2) -> None:
    """One of several processes dies; the others go on, and it is replaced."""
    for _ in range(times):
        await stage.flows(count // (times + 1))
        victim = stage.chance.choice([pid for pid in stage.pids if pid != stage.relay.pid])
        os.kill(victim, signal.SIGKILL)


async def screen_killed(stage: Stage, count: int, times: int = 1) -> None:
    """The terminal UI is attached, and dies."""
    for _ in range(times):
        screen, terminal = _attach(stage.state)
        try:
            await asyncio.to_thread(os.read, terminal, 1)  # it paints
            await stage.flows(count // (times + 1))
        finally:
            screen.send_signal(signal.SIGKILL)
            await asyncio.to_thread(screen.wait, 10)
            os.close(terminal)


def _attach(state: Path) -> tuple[subprocess.Popen[bytes], int]:
    main, other = pty.openpty()
    screen = subprocess.Popen(
        [MXTAP, "attach", "--state", str(state)],
        stdin=other, stdout=other, stderr=other, start_new_session=True,
        env=environment() | {"TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24"},
    )  # fmt: skip
    os.close(other)
    return screen, main


async def deaf(stage: Stage, count: int, clients: int = 20) -> None:
    """Clients of the control socket subscribe, ask for everything, and never read."""
    ask = b'{"id": 1, "do": "subscribe"}\n' + b'{"id": 2, "do": "history", "args": {}}\n' * 100
    with contextlib.ExitStack() as stack:
        for _ in range(clients):
            sock = stack.enter_context(socket.socket(socket.AF_UNIX))
            sock.setblocking(False)
            sock.connect(str(stage.state / "control.sock"))
            with contextlib.suppress(BlockingIOError):
                sock.send(ask)
        await stage.flows(count * 3 // 4)


async def sick(stage: Stage, count: int) -> None:
    """The relay is so all the time (sick.py): nothing is to be done."""


@dataclass(frozen=True)
class Scenario:
    """A fault; ``doubtful`` where it may cost replies to a dot, ``sick`` for a relay of its own."""

    name: str
    bring: Callable[..., Awaitable[None]]
    args: tuple[object, ...] = ()
    doubtful: bool = False
    sick: str = ""
    at_once: int = 8  # sessions
    batches: tuple[int, ...] = (1, 1, 2, 5)  # messages of a session
    workers: int = 1
    mount: str = ""  # a folder of the state that is a file system of its own

    def __str__(self) -> str:
        return self.name

    async def play(self, stage: Stage, count: int) -> None:
        """Send ``count`` messages through it, or more while it lasts.

        Raises TimeoutError where mail stands still.
        """
        over = False

        def messages() -> Iterator[Message]:
            made = 0
            while made < count or not over:
                made += 1
                yield stage.ledger.make(stage.chance, doubtful=self.doubtful)

        stage.senders.batches = self.batches
        sending = asyncio.create_task(stage.senders.send(messages(), self.at_once))
        try:
            await self.bring(stage, count, *self.args)
            over = True
            await stage.flows(len(stage.ledger.sent) - stage.ledger.accepted)
            await sending
        finally:
            over = stage.senders.stopped = True
            await sending


ANYWHERE = (
    *(Scenario(f"upstream {k}", upstream_moody, (k,), doubtful=True) for k in mtas.FAULTS),
    Scenario("upstream in turn", upstream_in_turn, doubtful=True),
    Scenario("upstream down", upstream_down, doubtful=True),
    *(Scenario(f"dns {mood}", dns, (mood,)) for mood in nameserver.MOODS),
    Scenario("disk full", disk_full),
    Scenario("database locked", database_locked),
    Scenario("screen killed", screen_killed),
    Scenario("deaf control clients", deaf),
    Scenario("database deleted", database_deleted, doubtful=True),
    Scenario("database corrupt", database_corrupt, doubtful=True),
    Scenario("killed", killed, doubtful=True),
)
OF_ITS_OWN = (
    Scenario("worker killed", worker_killed, doubtful=True, workers=2),
    *(
        Scenario(f"sick: {kind}", sick, sick=kind, at_once=40, batches=(1,))
        for kind in ("raises", "hangs", "eats", "clock")
    ),
)
MOUNTED = (
    Scenario("spool full", folder_full, ("spool",), mount="spool"),
    Scenario("spool read-only", folder_read_only, ("spool",), mount="spool"),
    Scenario("captures full", folder_full, ("captures",), mount="captures"),
    Scenario("state full", folder_full, (".",), mount="."),
)
LONG = (Scenario("captures read-only", captures_read_only, doubtful=True, mount="captures"),)
