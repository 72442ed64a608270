"""What hostile messages cost the relay's process, and whether others are still served."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from pathlib import Path

from harness_net import Dialogue
from harness_postfix import Postfix
from harness_relay import Relay

MIB = 1024 * 1024
CLIENTS = 8
BLANK = b"\r\n" * (MIB // 2)
PATIENCE = 4.0  # seconds for a greeting beside them; a loop that stalls takes 6


def peak(pid: int) -> int:
    """The most memory that a process ever held, bytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(x for x in status.splitlines() if x.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


def pour(port: int, answers: list[bytes], piece: bytes, count: int, end: bytes) -> None:
    with Dialogue(port, timeout=60) as client:
        client.envelope(b"x@sink.test")
        for _ in range(count):
            client.send(piece)
        client.send(end)
        answers.append(client.reply())


def test_blank_lines_cost_neither_memory_nor_the_others_patience(
    postfix: Postfix, start_relay: Callable[..., Relay]
) -> None:
    relay = start_relay(postfix.port, "--set", "limits.message_size=50000000")
    with Dialogue(relay.port) as client:
        client.envelope(b"x@sink.test")
        client.say(b"Subject: first\r\n\r\nwarm\r\n.")
    before, answers = peak(relay.pid), []
    clients = [
        threading.Thread(target=pour, args=(relay.port, answers, BLANK, 30, b".\r\n"))
        for _ in range(CLIENTS)
    ]
    for each in clients:
        each.start()
    slowest = 0.0
    while any(each.is_alive() for each in clients):
        start = time.monotonic()
        with Dialogue(relay.port) as beside:
            assert beside.reply().startswith(b"220")
        slowest = max(slowest, time.monotonic() - start)
    for each in clients:
        each.join()

    assert len(answers) == CLIENTS
    assert all(answer[:1] in (b"2", b"4", b"5") for answer in answers), answers
    assert peak(relay.pid) - before < 100 * MIB, "aiosmtpd's own reader takes 2.6 GB for one"
    assert slowest < PATIENCE


def test_an_endless_line_is_cut_off_at_twice_the_size(
    postfix: Postfix, start_relay: Callable[..., Relay]
) -> None:
    relay = start_relay(postfix.port, "--set", "limits.message_size=10000000")
    before, sent = peak(relay.pid), 0
    with Dialogue(relay.port, timeout=60) as client:
        client.envelope(b"x@sink.test")
        with contextlib.suppress(OSError):  # the relay hangs up
            while sent < 400 * MIB:
                client.send(b"x" * MIB)
                sent += MIB

    assert 20_000_000 <= sent < 60 * MIB, "twice SIZE, and what the sockets' buffers hold"
    assert peak(relay.pid) - before < 60 * MIB
    with Dialogue(relay.port) as client:
        client.envelope(b"x@sink.test")
        assert client.say(b"Subject: next\r\n\r\nnext\r\n.").startswith(b"250")
