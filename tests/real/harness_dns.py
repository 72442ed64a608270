"""Name servers of the machine, on loopback ports of their own, without root's rights."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dns.message
import dns.query
import pytest

NSD = """
server:
  ip-address: 127.0.0.1
  port: {port}
  server-count: 1
  username: ""
  chroot: ""
  zonesdir: "{dir}"
  pidfile: "{dir}/nsd.pid"
  xfrdfile: "{dir}/xfrd.state"
  zonelistfile: "{dir}/zone.list"
remote-control:
  control-enable: no
{zones}
"""
UNBOUND = """
server:
  interface: 127.0.0.1
  port: {port}
  do-daemonize: no
  use-syslog: no
  username: ""
  chroot: ""
  directory: "{dir}"
  pidfile: ""
  do-ip6: no
  do-not-query-localhost: no
  trust-anchor: ". IN DS {anchor}"
  local-zone: "2.0.192.in-addr.arpa." nodefault
remote-control:
  control-enable: no
stub-zone:
  name: "."
  stub-addr: 127.0.0.1@{nsd}
"""


@contextmanager
def nsd(folder: Path, zones: dict[str, str]) -> Iterator[int]:
    """An nsd with these zones, each with its file in ``folder``; its port."""
    port = free_port()
    listed = "".join(f'zone:\n  name: "{n}"\n  zonefile: "{f}"\n' for n, f in zones.items())
    (folder / "nsd.conf").write_text(NSD.format(port=port, dir=folder, zones=listed))
    with running("nsd", folder, port):
        yield port


@contextmanager
def unbound(folder: Path, authority: int, anchor: str) -> Iterator[int]:
    """An unbound that asks the server at port ``authority`` and trusts ``anchor``; its port."""
    port = free_port()
    config = UNBOUND.format(port=port, dir=folder, anchor=anchor, nsd=authority)
    (folder / "unbound.conf").write_text(config)
    with running("unbound", folder, port):
        yield port


def free_port() -> int:
    """A port that is free for UDP and TCP alike."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
            udp.bind(("127.0.0.1", 0))
            port = int(udp.getsockname()[1])
            with contextlib.suppress(OSError):
                tcp.bind(("127.0.0.1", port))
                return port


@contextmanager
def running(program: str, folder: Path, port: int) -> Iterator[None]:
    """A server that answers; ended with the block. Its words are in its log file."""
    path = shutil.which(program) or program
    log = folder / f"{program}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [path, "-d", "-c", str(folder / f"{program}.conf")], stdout=output, stderr=output
        )
        try:
            await_answer(process, port, log)
            yield
        finally:
            process.terminate()
            process.wait(10)


def await_answer(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    query = dns.message.make_query(".", "SOA")
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline and process.poll() is None:
        try:
            dns.query.udp(query, "127.0.0.1", timeout=0.3, port=port)
        except (OSError, dns.exception.Timeout):
            continue
        return
    pytest.fail(f"no answer on port {port}: {log.read_text(errors='replace')}")
