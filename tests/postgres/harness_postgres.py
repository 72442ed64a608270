"""A PostgreSQL of our own on loopback: fast, and to be stopped, hung and started again."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
from harness_net import free_port

PROGRAMS = ("initdb", "postgres")
USER = "postgres"  # whom root becomes: PostgreSQL refuses to run as root
SETTINGS = (
    "fsync=off", "synchronous_commit=off", "full_page_writes=off", "shared_buffers=16MB",
    "max_connections=40", "unix_socket_directories=", "listen_addresses=127.0.0.1",
    "autovacuum=off", "log_min_messages=fatal",
)  # fmt: skip


def program(name: str) -> str | None:
    """Where it is; Debian keeps it out of the PATH."""
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return shutil.which(name) or next(
        (str(place / name) for place in places if (place / name).exists()), None
    )


class Postgres:
    """One server. Databases are made and dropped by tests."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._folder = folder
        self._numbers = itertools.count(1)
        self._process: subprocess.Popen[bytes] | None = None
        self._as = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups"]
        if os.geteuid() != 0:
            self._as = []
        else:
            shutil.chown(folder, USER, USER)
        initdb = [program("initdb"), "-D", folder / "data", "-U", "mxtap", "-A", "trust",
                  "--no-sync", "-E", "UTF8", "--locale=C.UTF-8"]  # fmt: skip
        subprocess.run([*self._as, *initdb], check=True, capture_output=True, cwd=folder)

    def start(self) -> None:
        """Start, and wait until it answers."""
        options = [part for setting in SETTINGS for part in ("-c", setting)]
        command = [*self._as, program("postgres"), "-D", self._folder / "data"]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*command, "-p", str(self.port), *options], cwd=self._folder,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        end = time.monotonic() + 20
        while True:
            try:
                self.connect("postgres").close()
                return
            except psycopg.OperationalError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.02)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End it, and every session with it: by a fast shutdown, or (SIGQUIT) at once."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(20)
            self._process = None

    @contextlib.contextmanager
    def hung(self, database: str) -> Iterator[None]:
        """Meanwhile sessions of ``database`` stand still, and the kernel still takes packets."""
        with self.connect("postgres") as asking:
            query = "SELECT pid FROM pg_stat_activity WHERE datname = %s"
            sessions = [row[0] for row in asking.execute(query, (database,))]
        assert self._process is not None
        stopped = [self._process.pid, *sessions]
        try:
            for pid in stopped:
                os.kill(pid, signal.SIGSTOP)
            yield
        finally:
            for pid in stopped:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    def connect(self, database: str) -> psycopg.Connection:
        """A session of the test's own."""
        return psycopg.connect(
            host="127.0.0.1", port=self.port, user="mxtap", dbname=database, autocommit=True
        )

    def make(self) -> str:
        """A new, empty database; its name."""
        name = f"test{next(self._numbers)}"
        with self.connect("postgres") as making:
            making.execute(f"CREATE DATABASE {name}")  # type: ignore[arg-type]
        return name

    def empty(self, name: str = "shared") -> str:
        """An empty database that others used before: sooner there than a new one; its name."""
        with self.connect("postgres") as making:
            known = making.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,))
            if not known.fetchone():
                making.execute(f"CREATE DATABASE {name}".encode())
        with self.connect(name) as making:
            making.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        return name

    def url(self, database: str) -> str:
        """As the setting ``database`` wants it."""
        return f"postgresql+psycopg://mxtap:hush@127.0.0.1:{self.port}/{database}"


@contextlib.contextmanager
def running() -> Iterator[Postgres]:
    """A server for the time of the block."""
    folder = Path(tempfile.mkdtemp(prefix="mxtap-postgres-"))
    server = Postgres(folder)
    try:
        server.start()
        yield server
    finally:
        server.stop(signal.SIGQUIT)
        shutil.rmtree(folder, ignore_errors=True)
