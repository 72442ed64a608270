"""What every peer gets: the same signed messages, from the same generator, to the same sink."""

from __future__ import annotations

import contextlib
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "findings"))
sys.path.insert(0, str(Path(__file__).parents[1] / "real"))

from harness_net import free_port, listens, wait_until
from mail_signing import record, rsa_key, sign

SENDER, RECIPIENT, HELO = "joe@author.example", "a@sink.test", "mail.author.example"
SESSIONS = 50  # at once, one message a session
# With port 53: most filters can be told an address, and few a port. Each run has its own, as
# each has its own key: another's answers would break our signatures.
DNS = f"127.5.{os.getpid() >> 8 & 255}.{os.getpid() & 255}"
TICKS = os.sysconf("SC_CLK_TCK")
HEADER = b"""\
Received: from client.author.example (client.author.example [198.51.100.9])
\tby mail.author.example (Postfix) with ESMTPS id 4TqZx51Qz9z1
\tfor <a@sink.test>; Tue, 3 Mar 2026 12:32:02 +0000 (UTC)
From: =?utf-8?q?J=C3=B6rg?= <joe@author.example>
To: Ann <a@sink.test>
Subject: =?utf-8?b?R3LDvMOfZQ==?= from the office
Date: Tue, 3 Mar 2026 12:32:00 +0000
Message-ID: <20260303123200.1@author.example>
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 7bit
User-Agent: Example 1.0

""".replace(b"\n", b"\r\n")
SIGNED = "from:to:subject:date:message-id:mime-version:content-type:content-transfer-encoding:from"
UNBOUND = """
server:
  interface: {address}
  port: 53
  access-control: 127.0.0.0/8 allow
  do-daemonize: no
  use-syslog: no
  username: ""
  chroot: ""
  directory: "{dir}"
  pidfile: ""
  do-ip6: no
  module-config: "iterator"
  local-zone: "." static
  local-zone: "127.in-addr.arpa." transparent
{data}
remote-control:
  control-enable: no
"""


def message(size: int) -> bytes:
    """A signed message of about ``size`` octets, CRLF lines."""
    rng = random.Random(1)
    body = bytearray()
    block = b"".join(
        b" ".join(b"w" * rng.randint(1, 9) for _ in range(12)) + b"\r\n" for _ in range(1_000)
    )
    while len(body) < size - 1_100:
        body += block[: size - 1_100 - len(body)]
    return sign(HEADER + bytes(body[: body.rindex(b"\r\n") + 2]), signed=SIGNED)


def records() -> list[str]:
    """The only DNS that anybody gets: SPF with an include, the key, DMARC, MX and names."""
    key = record(rsa_key())
    return [
        'author.example. TXT "v=spf1 include:_spf.esp.example -all"',
        '_spf.esp.example. TXT "v=spf1 ip4:127.0.0.0/8 ip4:198.51.100.0/24 ~all"',
        '_dmarc.author.example. TXT "v=DMARC1; p=reject"',
        f's._domainkey.author.example. TXT "{key[:250]}" "{key[250:]}"',
        "author.example. MX 10 mail.author.example.",
        f"{HELO}. A 127.0.0.1",
        "sink.test. MX 10 mx.sink.test.",
        "mx.sink.test. A 127.0.0.2",
        f"1.0.0.127.in-addr.arpa. PTR {HELO}.",
    ]


@contextlib.contextmanager
def resolver(folder: Path) -> Iterator[int]:
    """An unbound with these records and no others; its process id. Needs root, for the port."""
    data = "".join(f"  local-data: '{line}'\n" for line in records())
    config = folder / "unbound.conf"
    config.write_text(UNBOUND.format(address=DNS, dir=folder, data=data))
    (folder / "resolv.conf").write_text(f"nameserver {DNS}\n")
    with running(folder, "unbound", "-d", "-c", str(config)) as process:
        yield process.pid


@contextlib.contextmanager
def sink(folder: Path) -> Iterator[tuple[int, int]]:
    """Postfix's smtp-sink; its port and process id."""
    port = free_port()
    with running(folder, "smtp-sink", "-u", "nobody", f"127.0.0.1:{port}", "1024") as process:
        wait_until(lambda: listens(port), 10)
        yield port, process.pid


@contextlib.contextmanager
def running(folder: Path, *words: str, **env: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process for the time of the block; what it says is in ``folder``, by its name."""
    name = Path(words[0]).name
    with (folder / f"{name}.log").open("ab") as log:
        process = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=os.environ | env
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def pour(file: Path, port: int, count: int, sessions: int = SESSIONS) -> float:
    """Send ``count`` messages; the generator's own seconds of CPU. Raises CalledProcessError."""
    before = os.times()
    subprocess.run(
        [
            "smtp-source", "-s", str(min(sessions, count)), "-m", str(count), "-F", str(file), "-N",
            "-f", SENDER, "-t", RECIPIENT, "-M", HELO, f"127.0.0.1:{port}",
        ],
        check=True, timeout=600,
    )  # fmt: skip
    after = os.times()
    return sum(after[2:4]) - sum(before[2:4])


def cpu(root: int) -> float:
    """Seconds of CPU of a process, its children, and those children that it has buried."""
    spent, todo, parents = 0.0, {root}, {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = path.read_text().rpartition(")")[2].split()
            parents[int(path.parent.name)] = int(fields[1]), sum(map(int, fields[11:15]))
    while todo:
        pid = todo.pop()
        spent += parents.get(pid, (0, 0))[1] / TICKS
        todo |= {child for child, (parent, _) in parents.items() if parent == pid}
    return spent
