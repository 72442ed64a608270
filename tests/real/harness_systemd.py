"""This machine's systemd once more, as process 1 of namespaces of its own, with our units in it.

Its root is this machine's under a layer that forgets (systemd_root.sh), its network a loopback
of its own. Nothing of the machine is changed, and nothing is left over, however the tests end:
a shell keeps it, which clears up once its standard input ends.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from harness_net import Dialogue, wait_until

TREE = Path(__file__).resolve().parents[2]
PACKAGING = TREE / "packaging" / "systemd"
ROOT = Path(__file__).with_name("systemd_root.sh")
UNIT, SOCKET = "mxtap.service", "mxtap.socket"
BOOT, STOP = 30.0, 20.0  # seconds; a loaded machine is slow
LISTEN = "0A"  # in /proc/net/tcp
CLONE_NEWNET = 0x40000000  # <linux/sched.h>

UNSHARE = (
    *("unshare", "--mount", "--pid", "--uts", "--ipc", "--net", "--cgroup"),
    *("--propagation", "private", "--fork", "--kill-child"),
)
TRIAL = """
mount -t tmpfs tmpfs "$0" && cd "$0" && mkdir upper work new &&
mount -t overlay -o lowerdir=/,upperdir=upper,workdir=work overlay new &&
mount -t proc proc new/proc && mount -t cgroup2 cgroup2 new/mnt &&
cp -a /dev/null null && : >null
"""
# $0 is a control group for it, the rest how it is started.
KEEPER = """
mkdir "$0"
sh -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$0" "$@" &
cat
kill -KILL $!
for try in $(seq 100); do
    find "$0" -depth -type d -exec rmdir {} + 2>/dev/null && exit
    sleep 0.1
done
"""

CONFIG = """
upstream = "127.0.0.1:10025"
identity = "none"
dns.zone = "/etc/mxtap/zone"
"""
DROP_IN = """
[Service]
WatchdogSec=4
"""
UPSTREAM = """
[Service]
ExecStartPre=mkdir -m 777 /run/mail
ExecStart=smtp-sink -u nobody -d /run/mail/ 127.0.0.1:10025 100
"""


def _cgroups() -> Path | None:
    """Where the unified hierarchy is mounted, alone or beside those of version 1."""
    mounts = (line.split() for line in Path("/proc/mounts").read_text().splitlines())
    return next((Path(each[1]) for each in mounts if each[2] == "cgroup2"), None)


def forbidden(folder: Path) -> str:
    """Why this machine lets root have no such namespaces and mounts; "" where it does."""
    above = _cgroups()
    if above is None:
        return "no cgroup2 is mounted"
    if not os.access(above, os.W_OK):
        return f"{above} is read-only"
    done = subprocess.run(
        [*UNSHARE, "sh", "-c", TRIAL, str(folder)], capture_output=True, text=True, check=False
    )
    return done.stderr.strip() if done.returncode else ""


class Machine:
    """A booted one. Its processes are seen by their numbers outside."""

    def __init__(self, cgroup: Path, pid: int) -> None:
        self._cgroup = cgroup
        self.first = Path(f"/proc/{pid}")  # its process 1
        self.root = self.first / "root"  # its files

    def run(self, *words: str) -> str:
        """Run a command in it to its end; what it said. Raises RuntimeError where it fails."""
        done = self._inside(*words)
        if done.returncode:
            raise RuntimeError(f"{words}: {done.stderr}\n{self.said()}")
        return done.stdout

    def _inside(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["nsenter", "--target", self.first.name, "--all", "--root", "--wd", *words],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=BOOT, check=False,
        )  # fmt: skip

    def show(self, unit: str = UNIT) -> dict[str, str]:
        """The properties of a unit."""
        lines = self.run("systemctl", "show", unit).splitlines()
        return dict(line.partition("=")[::2] for line in lines)

    def processes(self) -> list[Path]:
        """The service's processes, each in /proc."""
        try:
            pids = self._cgroup / "system.slice" / UNIT / "cgroup.procs"
            return [Path("/proc", pid) for pid in pids.read_text().split()]
        except OSError:
            return []  # it has ended

    def listening(self, port: int) -> set[str]:
        """The sockets of it that listen on a port, as :func:`sockets` names them."""
        tables = (self.first / "net" / name for name in ("tcp", "tcp6"))
        rows = (line.split() for table in tables for line in table.read_text().splitlines())
        return {f"socket:[{row[9]}]" for row in rows if row[3] == LISTEN and _port(row[1]) == port}

    def client(self) -> Dialogue:
        """A client of its port 25."""
        # A socket stays in the network where it was made, and each thread has one of its own.
        with ThreadPoolExecutor(1, initializer=self._enter_network) as thread:
            return thread.submit(Dialogue, 25).result()

    def _enter_network(self) -> None:
        with (self.first / "ns" / "net").open() as network:
            if ctypes.CDLL(None, use_errno=True).setns(network.fileno(), CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "setns")

    def mail(self) -> list[bytes]:
        """The messages that came to the upstream."""
        return [each.read_bytes() for each in (self.root / "run" / "mail").iterdir()]

    def said(self) -> str:
        """What the service said so far, and systemd of it."""
        return self._inside("journalctl", "--no-pager", "--output=cat", f"--unit={UNIT}").stdout


def _port(address: str) -> int:
    return int(address.rpartition(":")[2], 16)


def status(process: Path) -> dict[str, str]:
    """What the kernel says of a process; see proc(5)."""
    lines = (process / "status").read_text().splitlines()
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


def sockets(process: Path) -> set[str]:
    """The sockets that a process holds."""
    links = (os.readlink(each) for each in (process / "fd").iterdir())
    return {link for link in links if link.startswith("socket:")}


@contextlib.contextmanager
def booted(folder: Path) -> Iterator[Machine]:
    """One for the time of the block, in an empty folder. Raises TimeoutError."""
    above = _cgroups()
    assert above is not None
    cgroup, said = above / f"mxtap-test-{os.getpid()}", folder / "said"
    (folder / "root").mkdir()
    _furnish(folder / "etc")
    python, prefix = Path(sys.executable).resolve(), Path(sys.base_prefix).resolve()
    site = sysconfig.get_path("purelib")
    inside = map(str, (ROOT, folder, prefix, python.relative_to(prefix), site, TREE))
    with said.open("wb") as out:
        keeper = subprocess.Popen(
            ["sh", "-c", KEEPER, str(cgroup), *UNSHARE, "sh", *inside],
            stdin=subprocess.PIPE, stdout=out, stderr=out, start_new_session=True,
        )  # fmt: skip
    try:
        wait_until((cgroup / "init.scope").exists, BOOT)  # from here on its root is not ours
        machine = Machine(cgroup, int((folder / "pid").read_text()))
        wait_until((machine.root / "run" / "systemd" / "private").exists, BOOT)
        yield machine
    except TimeoutError as error:
        error.add_note(said.read_text(errors="replace"))
        raise
    finally:
        keeper.stdin.close()
        keeper.wait(STOP)


def _furnish(etc: Path) -> None:
    """What it has in /etc and this machine has not: the units, as they are shipped."""
    units = etc / "systemd" / "system"
    for folder in (units / f"{UNIT}.d", etc / "mxtap"):
        folder.mkdir(parents=True)
    for unit in (UNIT, SOCKET):
        shutil.copy(PACKAGING / unit, units)
    (units / f"{UNIT}.d" / "test.conf").write_text(DROP_IN)
    (units / "upstream.service").write_text(UPSTREAM)
    (etc / "mxtap" / "mxtap.toml").write_text(CONFIG)
    (etc / "mxtap" / "zone").touch()
