"""What the checks cost, beside plain dkimpy. By hand: python tests/bench/bench_checks.py

CPU time of this process, the median of several runs; nothing is asked of any DNS server.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import random
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1] / "findings"))

import dkim
from mail_signing import record, rsa_key, sign

from monitor.checks.case import Envelope
from monitor.checks.checker import Checker
from monitor.checks.octets import Octets
from monitor.config import Settings
from monitor.dns.zone import Zone
from monitor.findings.answers import Answer
from monitor.findings.dkim.body import digests
from monitor.findings.dkim.verify import read, verify
from monitor.findings.message import body_offset, scan, summary

RUNS = 7
MB = 1_000_000
KEY = record(rsa_key())
ZONE = f"""
author.example. TXT "v=spf1 include:_spf.esp.example -all"
_spf.esp.example. TXT "v=spf1 ip4:192.0.2.0/24 ip4:198.51.100.0/24 ~all"
_dmarc.author.example. TXT "v=DMARC1; p=reject; rua=mailto:dmarc@author.example"
s._domainkey.author.example. TXT "{KEY[:250]}" "{KEY[250:]}"
author.example. MX 10 mail.author.example.
mail.author.example. A 192.0.2.7
"""
ENVELOPE = Envelope(
    ip="192.0.2.7",
    helo="mail.author.example",
    mail_from="joe@author.example",
    rcpts=("a@b.example",),
)
HEADER = b"""\
Received: from client.author.example (client.author.example [198.51.100.9])
\tby mail.author.example (Postfix) with ESMTPS id 4TqZx51Qz9z1
\tfor <a@b.example>; Tue, 3 Mar 2026 12:32:02 +0000 (UTC)
Received: from localhost (localhost [127.0.0.1])
\tby client.author.example (Postfix) with ESMTP id 4TqZx42Qz9z1
\tfor <a@b.example>; Tue, 3 Mar 2026 12:32:01 +0000 (UTC)
From: =?utf-8?q?J=C3=B6rg?= <joe@author.example>
To: Ann <a@b.example>
Subject: =?utf-8?b?R3LDvMOfZQ==?= from the office
Date: Tue, 3 Mar 2026 12:32:00 +0000
Message-ID: <20260303123200.1@author.example>
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit
User-Agent: Example 1.0

""".replace(b"\n", b"\r\n")
SIGNED = "from:to:subject:date:message-id:mime-version:content-type:content-transfer-encoding:from"


class Cached:
    """Every answer at hand, as after the first message of a sender."""

    def __init__(self, zone: Zone) -> None:
        self._zone = zone
        self._answers: dict[tuple[str, str], Answer] = {}

    def known(self, name: str, rdtype: str) -> Answer:
        answer = self._answers.get((name, rdtype))
        if answer is None:
            answer = self._answers[name, rdtype] = self._zone.known(name, rdtype)
        return answer

    def left(self, questions) -> float:
        return 3_600.0

    async def answer(self, name: str, rdtype: str) -> Answer:
        return self.known(name, rdtype)


def lines(size: int, line: Callable[[], bytes]) -> bytes:
    body = bytearray()
    while len(body) < size:
        body += line() + b"\r\n"
    return bytes(body)


def text_line() -> bytes:
    return b" ".join(b"w" * random.randint(1, 9) for _ in range(12))


def base64_line() -> bytes:
    return b"QUJD" * 19


def html_line() -> bytes:
    return b"    " * random.randint(0, 4) + b"<td class='x'>foo  bar</td> \t"


def cpu(work: Callable[[], object], times: int) -> float:
    """Seconds of CPU for one call."""
    runs = []
    for _ in range(RUNS):
        start = time.process_time()
        for _ in range(times):
            work()
        runs.append((time.process_time() - start) / times)
    return statistics.median(runs)


async def cpu_async(work: Callable[[], Awaitable[object]], times: int) -> float:
    runs = []
    for _ in range(RUNS):
        start = time.process_time()
        for _ in range(times):
            await work()
        runs.append((time.process_time() - start) / times)
    return statistics.median(runs)


class Stall(NamedTuple):
    """How late a timer of one millisecond was at worst: by the clock, and in CPU of ours."""

    wall: float
    cpu: float

    def __str__(self) -> str:
        return f"{self.cpu * 1e3:4.1f} ms ({self.wall * 1e3:.1f} by the clock)"


async def stall(*works: Awaitable[object]) -> Stall:
    """The worst of several works, one after another."""
    wall, cpu = [0.0], [0.0]
    done = asyncio.Event()

    async def tick() -> None:
        while not done.is_set():
            before, spent = time.perf_counter(), time.process_time()
            await asyncio.sleep(0.001)
            wall.append(time.perf_counter() - before - 0.001)
            cpu.append(time.process_time() - spent)

    ticking = asyncio.ensure_future(tick())
    await asyncio.sleep(0.01)
    for work in works:
        await work
    done.set()
    await ticking
    return Stall(max(wall), max(cpu))


def by_dkimpy(message: bytes) -> None:
    assert dkim.verify(message, dnsfunc=lambda name, timeout=5: KEY)


async def small(checker: Checker, zone: Cached) -> None:
    message = sign(HEADER + lines(3_000, text_line), signed=SIGNED)
    source = Octets(message)

    def ours() -> None:
        header = scan(message)
        found = read(header)
        bodies = digests([message[body_offset(message) :]], found.wants)
        assert verify(found.read, header, bodies, zone.known, time.time())[0].passed

    report = await checker.message(ENVELOPE, source)
    codes = [finding.code for finding in report.findings]
    assert {"spf.pass", "dkim.pass", "dmarc.pass"} <= set(codes), codes
    plain = cpu(lambda: by_dkimpy(message), 200)
    print(f"{len(message)} bytes, one RSA-2048 signature; µs of CPU a message")
    print(f"  dkimpy, DKIM alone          {plain * 1e6:7.0f}")
    print(f"  DKIM alone                  {cpu(ours, 500) * 1e6:7.0f}")
    every = await cpu_async(lambda: checker.message(ENVELOPE, source), 500)
    print(f"  all checks                  {every * 1e6:7.0f}   {plain / every:.1f} x as fast")
    print(f"  summary for the event       {cpu(lambda: summary(message), 2_000) * 1e6:7.1f}")


async def large(checker: Checker) -> None:
    idle = await stall(asyncio.sleep(1))
    print("25 MB, relaxed/relaxed; ms of CPU a MB, and the loop's worst stall")
    print(f"  (an idle loop on this machine is late by {idle.wall * 1e3:.1f} ms)")
    for name, line in (("base64", base64_line), ("text", text_line), ("HTML", html_line)):
        block = lines(1 * MB, line)
        message = sign(HEADER + block * 25, signed=SIGNED)
        source = Octets(message)
        megabytes = len(message) / MB
        start = time.process_time()
        by_dkimpy(message)
        plain = (time.process_time() - start) / megabytes
        ours = await cpu_async(lambda source=source: checker.message(ENVELOPE, source), 1)
        one = await stall(*(checker.message(ENVELOPE, source) for _ in range(RUNS)))
        many = asyncio.gather(*(checker.message(ENVELOPE, source) for _ in range(4)))
        four = await stall(many)
        assert "dkim.pass" in {finding.code for finding in (await many)[0].findings}
        print(
            f"  {name:7} dkimpy {plain * 1e3:6.1f}   all checks {ours / megabytes * 1e3:5.1f}"
            f"   {plain / (ours / megabytes):4.1f} x as fast"
            f"   stall {one}, four at a time {four}"
        )


async def main() -> None:
    random.seed(1)
    logging.disable(logging.CRITICAL)
    gc.collect()
    gc.freeze()  # a full collection over every import takes 25 ms, and is no matter of checks
    zone = Cached(Zone(ZONE))
    checker = Checker(zone, Settings())
    await small(checker, zone)
    await large(checker)


if __name__ == "__main__":
    asyncio.run(main())
