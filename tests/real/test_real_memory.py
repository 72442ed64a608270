"""What hostile messages cost the relay's process, and whether others are still served.

``MXTAP_TEST_BLANK_MB=30`` has each of the hundred clients pour 30 MB of blank lines (a minute).
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness_net import Dialogue, free_port, listens, wait_until
from harness_postfix import Postfix
from harness_relay import Relay

StartRelay = Callable[..., Relay]
MIB = 1024 * 1024
CLIENTS = 100
EACH = int(os.environ.get("MXTAP_TEST_BLANK_MB", "3"))  # MB of blank lines
ROOM = CLIENTS * EACH // 6  # MB of spool: most find none
PER_CLIENT = 1_600_000  # bytes in memory at most: limits.spool_memory, and buffers
LAG = 0.25  # seconds


def held(pid: int, what: str) -> int:
    """``VmRSS``, or ``VmHWM`` for the most since :func:`forget_peak`; bytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(x for x in status.splitlines() if x.startswith(f"{what}:"))
    return int(line.split()[1]) * 1024


def forget_peak(pid: int) -> None:
    """Let VmHWM begin anew (proc(5), clear_refs)."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def loop_time(pid: int) -> float:
    """The CPU seconds of a process's first thread, which runs its event loop."""
    return int(Path(f"/proc/{pid}/task/{pid}/schedstat").read_text().split()[0]) / 1e9


def queued(*pids: int) -> float:
    """The seconds that the first threads of processes waited for a free processor."""
    stats = (Path(f"/proc/{pid}/task/{pid}/schedstat").read_text() for pid in pids)
    return sum(int(stat.split()[1]) for stat in stats) / 1e9


class Pulse:
    """Asks the relay how it fares, through its control socket: what that takes is its lag.

    Time in which other processes had the processors is not the relay's.
    """

    def __init__(self, relay: Relay) -> None:
        self._pids = (relay.pid, os.getpid())
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(30)
        self._socket.connect(str(relay.state / "control.sock"))
        self.slowest = 0.0

    def beat(self) -> None:
        """One question and its answer."""
        began, others = time.monotonic(), queued(*self._pids)
        self._socket.sendall(json.dumps({"id": 1, "do": "status", "args": {}}).encode() + b"\n")
        while not self._socket.recv(65536).endswith(b"\n"):
            pass
        lag = time.monotonic() - began - (queued(*self._pids) - others)
        self.slowest = max(self.slowest, lag)


@pytest.fixture
def sink(needs: Callable[..., None]) -> Iterator[int]:
    """The port of an upstream that takes everything and keeps nothing."""
    needs("smtp-sink")
    port = free_port()
    process = subprocess.Popen(["smtp-sink", "-u", "nobody", f"127.0.0.1:{port}", "1000"])
    try:
        wait_until(lambda: listens(port), 10)
        yield port
    finally:
        process.kill()
        process.wait(10)


def test_blank_lines_cost_neither_memory_nor_the_others_patience(
    sink: int, start_relay: StartRelay
) -> None:
    """aiosmtpd's own reader takes 2.6 GB for one such message, and holds the loop for 6 s."""
    relay = start_relay(
        sink,
        *("--identity", "none"),
        *("--set", "limits.sessions_per_ip=200"),
        *("--set", f"limits.spool_total={ROOM * 1_000_000}"),
    )
    before, pulse = held(relay.pid, "VmRSS"), Pulse(relay)
    pour = str(Path(__file__).with_name("pour.py"))
    pouring = subprocess.Popen(
        [sys.executable, pour, str(relay.port), str(CLIENTS), str(EACH)],
        stdout=subprocess.PIPE,
        text=True,
    )
    while pouring.poll() is None:
        pulse.beat()
        time.sleep(0.01)
    answers = Counter(line[:9] for line in pouring.communicate()[0].splitlines())

    assert answers.total() == CLIENTS
    assert set(answers) == {"250 2.0.0", "452 4.3.1"}, answers
    assert held(relay.pid, "VmHWM") - before < CLIENTS * PER_CLIENT
    assert pulse.slowest < LAG
    assert not any((relay.state / "spool").iterdir())


def test_an_endless_line_is_cut_off_at_twice_the_size(
    postfix: Postfix, start_relay: StartRelay
) -> None:
    relay = start_relay(postfix.port, "--set", "limits.message_size=10000000")
    before, sent = held(relay.pid, "VmRSS"), 0
    with Dialogue(relay.port, timeout=60) as client:
        client.envelope(b"x@sink.test")
        with contextlib.suppress(ConnectionError):  # the relay hangs up, and at once
            while sent < 400 * MIB:
                client.send(b"x" * MIB)
                sent += MIB

    assert 20_000_000 <= sent < 60 * MIB, "twice SIZE, and what the sockets' buffers hold"
    assert held(relay.pid, "VmHWM") - before < 20 * MIB
    with Dialogue(relay.port) as client:
        client.envelope(b"x@sink.test")
        assert client.say(b"Subject: next\r\n\r\nnext\r\n.").startswith(b"250")


FROM = b"From: a@sender.test\r\n"
LONG_KEY = base64.b64encode(
    b"\x30\x82\x08\x0a\x02\x82\x08\x01\x00" + b"\xff" * 2_048 + b"\x02\x03\x01\x00\x01"
).decode()
SIGNATURE = b"DKIM-Signature: v=1; a=rsa-sha256; d=sender.test; s=%s; h=from;\r\n bh=AAAA; b=%s\r\n"
BOMBS = {
    "20,000 signatures": SIGNATURE % (b"long", b"AAAA") * 20_000 + FROM + b"\r\nbody\r\n",
    "a 16,384-bit key": SIGNATURE % (b"long", b"A" * 2_732) + FROM + b"\r\nbody\r\n",
    "200,000 fields": b"X: y\r\n" * 200_000 + FROM + b"\r\nbody\r\n",
    "20,000 words": FROM + b"Subject: " + b"=?utf-8?q?a?= " * 20_000 + b"\r\n\r\nbody\r\n",
    "MIME 2,000 deep": FROM
    + b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d.\r\n\r\n--b%d.\r\n" % (n, n)
        for n in range(2_000)
    ),
}


def test_bombs_cost_little_and_are_relayed(
    postfix: Postfix, zone: Path, start_relay: StartRelay
) -> None:
    parts = ["v=DKIM1; p=", *(LONG_KEY[n : n + 250] for n in range(0, len(LONG_KEY), 250))]
    with zone.open("a") as file:
        file.write("long._domainkey.sender.test. 300 IN TXT " + " ".join(f'"{p}"' for p in parts))
        file.write("\n")
    relay = start_relay(postfix.port, "--set", "checks.stamp=true", "--name", "mx.relay.test")
    with Dialogue(relay.port) as client:
        client.envelope(b"x@sink.test", b"a@elsewhere.test")
        assert client.say(FROM + b"\r\nwarm\r\n.").startswith(b"250")
    for name, bomb in BOMBS.items():
        forget_peak(relay.pid)
        before, spent = held(relay.pid, "VmRSS"), loop_time(relay.pid)
        with Dialogue(relay.port) as client:
            client.envelope(b"x@sink.test", b"a@elsewhere.test")
            client.send(bomb)
            assert client.say(b".").startswith(b"250"), name
        assert held(relay.pid, "VmHWM") - before < 50 * MIB, name
        assert loop_time(relay.pid) - spent < 0.2, name
    postfix.settle()

    told = relay.wait_events(1 + len(BOMBS))
    codes = {finding["code"] for record in told for finding in record["findings"]}
    assert not codes & {"dkim.pass", "dmarc.pass", "relay.check-failed"}
    assert "dkim.key-malformed" in codes
    assert len(postfix.inbox.raw()) == 1 + len(BOMBS)
