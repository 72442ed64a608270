"""The peers: each a context manager that gives its port and the processes whose CPU is its own."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "real"))

from harness_net import free_port, listens, wait_until
from harness_postfix import Postfix
from harness_relay import Relay
from load import DNS, RECIPIENT, cpu, running
from peer_configs import (
    BEHIND_PROXY,
    HARAKA,
    OPENDKIM,
    OPENDMARC,
    POSTFIX,
    PUBLIC,
    RSPAMD,
)

WORKERS = "--set=workers=2"


@dataclass(frozen=True, slots=True)
class Running:
    """A peer that serves: its port, and process ids by name."""

    port: int
    pids: dict[str, int]
    settle: Callable[[], object] = lambda: None  # waits until what was accepted is dealt with


Start = Callable[[Path, int], AbstractContextManager[Running]]  # a folder, the sink's port


@dataclass(frozen=True, slots=True)
class Peer:
    """``needs`` are programs; ``filters`` tells whether it looks at SPF, DKIM and the like."""

    name: str
    start: Start
    needs: tuple[str, ...] = ()
    filters: bool = True


@contextlib.contextmanager
def mxtap(folder: Path, sink: int, *options: str) -> Iterator[Running]:
    """mxtap as installed, with its own defaults but for the limits that one sender would meet."""
    relay = Relay(
        folder / "state", sink, "--dns", f"{DNS}:53",
        "--set=limits.sessions_per_ip=1000", "--set=limits.sessions_per_network=1000", *options,
    )  # fmt: skip
    try:
        relay.start()
        yield Running(relay.port, {"mxtap": relay.pid})
        relay.stop()
    finally:
        relay.kill()


@contextlib.contextmanager
def postfix(folder: Path, *milters: int) -> Iterator[tuple[Postfix, int]]:
    """A Postfix that discards what it has queued; with it the process id of its master."""
    root = Path(tempfile.mkdtemp(prefix="mxtap-bench-"))
    server = Postfix(root)
    with (server.config / "main.cf").open("a") as main:
        main.write(POSTFIX)
        if milters:
            listed = " ".join(f"inet:127.0.0.1:{port}" for port in milters)
            main.write(f"smtpd_milters = {listed}\nmilter_default_action = tempfail\n")
    try:
        server.start()
        yield server, int((root / "spool/pid/master.pid").read_text())
    finally:
        server.stop()
        shutil.rmtree(root, ignore_errors=True)


@contextlib.contextmanager
def mxtap_postfix(folder: Path, sink: int, *options: str) -> Iterator[Running]:
    """mxtap in front of Postfix, by the recipe of the guide (XCLIENT)."""
    with postfix(folder) as (server, master), mxtap(folder, server.port, *options) as front:
        yield Running(front.port, {**front.pids, "Postfix": master}, server.settle)


@contextlib.contextmanager
def proxied_postfix(folder: Path, sink: int, *options: str) -> Iterator[Running]:
    """mxtap in front of Postfix, the client told by the PROXY protocol: two round trips less."""
    with postfix(folder) as (server, master):
        port = free_port()
        with (server.config / "master.cf").open("a") as services:
            services.write(BEHIND_PROXY.format(proxied=f"127.0.0.1:{port}"))
        os.kill(master, signal.SIGHUP)
        wait_until(lambda: listens(port), 30)
        with mxtap(folder, port, "--identity", "proxy", *options) as front:
            yield Running(front.port, {**front.pids, "Postfix": master}, server.settle)


@contextlib.contextmanager
def postfix_alone(folder: Path, sink: int) -> Iterator[Running]:
    """Postfix, discarding, without any check."""
    with postfix(folder) as (server, master):
        yield Running(server.naive, {"Postfix": master}, server.settle)


@contextlib.contextmanager
def milters(folder: Path, sink: int) -> Iterator[Running]:
    """Postfix, discarding, with opendkim and opendmarc."""
    (folder / "nobody").write_text("192.0.2.255\n")
    ports = {}
    with contextlib.ExitStack() as stack:
        pids = {}
        for name, config in (("opendkim", OPENDKIM), ("opendmarc", OPENDMARC)):
            ports[name] = free_port()
            path = folder / f"{name}.conf"
            path.write_text(config.format(port=ports[name], dns=DNS, folder=folder))
            words = resolving(folder, name, "-f", "-c" if name == "opendmarc" else "-x", str(path))
            pids[name] = stack.enter_context(running(folder, *words)).pid
            wait_until(lambda name=name: listens(ports[name]), 20)
        server, master = stack.enter_context(postfix(folder, *ports.values()))
        yield Running(server.naive, {"Postfix": master, **pids}, server.settle)


@contextlib.contextmanager
def rspamd(folder: Path, sink: int) -> Iterator[Running]:
    """Postfix, discarding, with rspamd as it is installed, without Redis."""
    port, local = free_port(), folder / "local"
    (local / "override.d").mkdir(parents=True)
    for name, config in RSPAMD.items():
        (local / "override.d" / name).write_text(config.format(port=port, dns=DNS))
    data = folder.parent / "rspamd"  # patterns are compiled once for all turns: that takes minutes
    data.mkdir(exist_ok=True)
    words = ["rspamd", "-f", "-i", "-u", "root", "-g", "root"]
    for name, value in (("LOCAL_CONFDIR", local), ("DBDIR", data), ("RUNDIR", data)):
        words += ["--var", f"{name}={value}"]
    with running(folder, *resolving(folder, *words)) as process:
        wait_until(lambda: listens(port) and idle(process.pid), 600)
        with postfix(folder, port) as (server, master):
            pids = {"Postfix": master, "rspamd": process.pid}
            yield Running(server.naive, pids, server.settle)


@contextlib.contextmanager
def haraka(folder: Path, sink: int, nodes: int = 1) -> Iterator[Running]:
    """Haraka with its spf and dkim plugins, in ``nodes`` processes, forwarding to the sink."""
    port, home = free_port(), folder / "haraka"
    subprocess.run([found("haraka"), "-i", str(home)], check=True, capture_output=True)
    (home / "plugins").mkdir(exist_ok=True)
    for name, config in HARAKA.items():
        (home / "config" / name).write_text(config.format(port=port, sink=sink, nodes=nodes))
    (home / "plugins" / "public.js").write_text(PUBLIC)
    words = resolving(folder, found("haraka"), "-c", str(home))
    with running(folder, *words) as process:
        wait_until(lambda: listens(port), 30)
        yield Running(port, {"Haraka": process.pid})


@contextlib.contextmanager
def naive(kind: str, folder: Path, sink: int) -> Iterator[Running]:
    """aiosmtpd without checks."""
    port, script = free_port(), Path(__file__).with_name("naive.py")
    words = [
        sys.executable,
        str(script),
        kind,
        str(port),
        *([str(sink)] if kind == "proxy" else []),
    ]
    with running(folder, *words) as process:
        wait_until(lambda: listens(port), 20)
        yield Running(port, {"aiosmtpd": process.pid})


def idle(pid: int) -> bool:
    """True where a process and its children do nothing for two seconds."""
    before = cpu(pid)
    time.sleep(2)
    return cpu(pid) - before < 0.05


def resolving(folder: Path, *words: str) -> tuple[str, ...]:
    """A command with a resolv.conf of its own, for those that know no other way."""
    script = 'mount --bind "$0" /etc/resolv.conf && exec "$@"'
    return ("unshare", "-m", "sh", "-c", script, str(folder / "resolv.conf"), *words)


def found(program: str) -> str:
    """Where a program is: what HARAKA (or the like) says, else the path; "" for nowhere."""
    return os.environ.get(program.upper()) or shutil.which(program) or ""


PEERS = (
    Peer("mxtap", mxtap),
    Peer("mxtap, workers = 2", lambda f, s: mxtap(f, s, WORKERS)),
    Peer("Haraka with spf and dkim", haraka, ("haraka",)),
    Peer("Haraka, nodes = 2", lambda f, s: haraka(f, s, 2), ("haraka",)),
    Peer("mxtap, Postfix behind it", mxtap_postfix, ("postfix",)),
    Peer(
        "mxtap, workers = 2, Postfix behind",
        lambda f, s: mxtap_postfix(f, s, WORKERS),
        ("postfix",),
    ),
    Peer(
        "the same by the PROXY protocol",
        lambda f, s: proxied_postfix(f, s, WORKERS),
        ("postfix",),
    ),
    Peer("Postfix with opendkim, opendmarc", milters, ("postfix", "opendkim", "opendmarc")),
    Peer("Postfix with rspamd", rspamd, ("postfix", "rspamd")),
    Peer("Postfix alone", postfix_alone, ("postfix",), filters=False),
    Peer("aiosmtpd, bare", lambda f, s: naive("bare", f, s), filters=False),
    Peer("aiosmtpd, naive proxy", lambda f, s: naive("proxy", f, s), filters=False),
)
assert RECIPIENT.endswith("@sink.test")  # the domain that the harness's Postfix has
