"""A relay of two worker processes in front of a scripted upstream; the hub is this process."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import shutil
import signal
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import pytest
from certificates import Authority
from cryptography import x509
from fakes import Client, Upstream

from monitor.config import ConfigError, load
from monitor.control.client import SocketFeed
from monitor.control.protocol import Process
from monitor.policy.entry import Draft
from monitor.record import Record
from monitor.relay.front import JOURNAL
from monitor.service import Service
from monitor.workers import supervisor

MAIL = b"MAIL FROM:<a@client.test>"


class Relay:
    """The relay, its upstream, and a feed as the screen has it."""

    def __init__(self, service: Service, upstream: Upstream, feed: SocketFeed) -> None:
        self.service, self.upstream, self.feed = service, upstream, feed

    async def client(self, source: str = "127.0.0.1") -> Client:
        host, port = self.service.listening[0]
        return Client(*await asyncio.open_connection(host, port, local_addr=(source, 0)))

    async def greeted(self, source: str = "127.0.0.1") -> Client:
        client = await self.client(source)
        assert (await client.reply()).startswith(b"220")
        await client.say(b"EHLO client.test")
        return client

    async def in_each(self) -> list[Client]:
        """Greeted clients, of whom each worker has one at least."""
        clients: list[Client] = []
        while not all(process.sessions for process in self.processes):
            clients.append(await self.greeted(f"127.0.0.{len(clients) + 1}"))
        return clients

    @property
    def processes(self) -> Sequence[Process]:
        return self.service.health.status().workers

    @property
    def sessions(self) -> int:
        return self.service.health.status().sessions


@contextlib.asynccontextmanager
async def serving(state: Path, **flags: object) -> AsyncIterator[Relay]:
    upstream = Upstream()
    zone = state.with_suffix(".zone")
    zone.write_text("client.test. IN A 127.0.0.1\n")
    given = {
        "state": str(state),
        "listen": ["127.0.0.1:0"],
        "upstream": f"127.0.0.1:{await upstream.start()}",
        "dns": {"zone": str(zone)},
        "workers": 2,
        **flags,
    }
    feed = SocketFeed(state)
    async with Service(load(environ={}, flags=given)) as service:
        await feed.start()
        yield Relay(service, upstream, feed)
    await feed.close()
    await upstream.stop()


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.005)


async def test_lists_limits_and_a_new_certificate_hold_in_all_of_them(tmp_path: Path) -> None:
    certificate = Authority().write(tmp_path, "old.test")
    limits = {"sessions_per_ip": 3, "drain": 1}
    tls = {"certificate": str(certificate)}
    rules = {"greylist": {"mode": "enforce"}, "conduct": {"helo": "refuse"}}
    async with serving(tmp_path / "state", limits=limits, tls=tls, **rules) as relay:
        clients = await relay.in_each()
        assert relay.sessions == len(clients)
        assert os.getpid() not in {process.pid for process in relay.processes}

        crowd = [await relay.greeted("127.0.1.1") for _ in range(3)]
        assert (await (await relay.client("127.0.1.1")).reply()).startswith(b"421 4.7.0 ")

        shutil.copy(Authority().write(tmp_path, "new.test"), certificate)
        await relay.service.reload()
        await asyncio.sleep(0.5)  # a thread of each reads it
        for client in clients:
            await client.say(b"STARTTLS")
            assert await shown(client) == "new.test"

        for client in clients:  # what only the hub can say
            await client.say(b"EHLO client.test")
            answer = await client.say(MAIL, b"RCPT TO:<b@home.test>")
            assert answer.startswith(b"451 4.7.1 "), answer
        assert (await clients[0].say(b"EHLO bad_name..", MAIL)).startswith(b"550 5.7.1 ")

        await relay.feed.add(Draft(list="ban", kind="net", value="127.0.0.0/24"))
        await asyncio.sleep(0.05)
        for client in clients:  # in the midst of their sessions
            client.writer.write(b"EHLO client.test\r\n")
            assert (await client.reply()).startswith(b"550 5.7.1 ")
        assert (await crowd[0].say(MAIL)).startswith(b"250")

        for client in (*clients, *crowd):
            client.close()
        await until(lambda: relay.sessions == 0)
        assert (await relay.greeted("127.0.1.1")).reader
        async with asyncio.timeout(10):
            while (await relay.feed.lists())[0].hits < len(clients):
                await asyncio.sleep(0.05)


async def shown(client: Client) -> str:
    """The name in the certificate that a client is shown."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    await client.writer.start_tls(context)
    encoded = client.writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    [name] = x509.load_der_x509_certificate(encoded).subject
    return str(name.value)


class Senders:
    """Clients that send, each message to a recipient of its own, until told to stop."""

    def __init__(self, relay: Relay, count: int) -> None:
        self.relay = relay
        self.acknowledged: list[bytes] = []
        self._numbers = itertools.count()
        self._going = True
        self._tasks = [asyncio.create_task(self._send()) for _ in range(count)]

    async def _send(self) -> None:
        while self._going:
            recipient = b"n%d@home.test" % next(self._numbers)
            try:
                client = await self.relay.greeted()
                await client.say(MAIL, b"RCPT TO:<%s>" % recipient, b"DATA")
                answer = await client.say(b"Subject: s\r\nTo: %s\r\n\r\nx\r\n." % recipient)
            except (ConnectionError, AssertionError):
                continue
            if answer.startswith(b"250"):
                self.acknowledged.append(recipient)
            client.close()

    async def reach(self, count: int) -> None:
        await until(lambda: len(self.acknowledged) >= count)

    async def stop(self) -> None:
        self._going = False
        await asyncio.gather(*self._tasks)


async def told_of(relay: Relay, recipients: Sequence[bytes]) -> dict[bytes, Record]:
    """The records by recipient, when there is one for each of these."""
    async with asyncio.timeout(5):
        while True:
            records = await relay.feed.history()
            told = {r.rcpts[0].address.encode(): r for r in records if r.rcpts}
            if told.keys() >= set(recipients):
                return told


async def test_a_killed_worker_is_replaced_and_costs_no_mail(tmp_path: Path) -> None:
    async with serving(tmp_path / "state") as relay:
        relay.upstream.dot = slow
        senders = Senders(relay, 6)
        await senders.reach(40)
        victim = next(p for p in relay.processes if p.sessions)
        os.kill(victim.pid, signal.SIGKILL)
        await until(lambda: sum(p.replaced for p in relay.processes))
        assert f"worker {victim.number} does not serve" in relay.service.health.summary()
        await until(lambda: all(p.up for p in relay.processes))
        await senders.reach(len(senders.acknowledged) + 40)
        await senders.stop()
        await until(lambda: relay.sessions == 0)
        told = await told_of(relay, senders.acknowledged)

    arrived = [x.split(b"To: ")[1].split(b"\r\n")[0] for x in relay.upstream.messages]
    assert set(senders.acknowledged) <= set(arrived)
    assert max(Counter(arrived).values()) == 1
    assert {told[each].state for each in senders.acknowledged} == {"accepted"}
    unsure = {told[each].state for each in set(arrived) - set(senders.acknowledged)}
    assert unsure <= {"unknown"}
    lost = [r for r in told.values() if r.state == "unknown"]
    assert {r.verdict.by for r in lost} <= {"mxtap"}
    for record in lost:
        assert "relay.commit-unknown" in {found.code for found in record.findings}
    assert {p.stem for p in (tmp_path / "state").glob(f"*{JOURNAL}")} == {"1-commits", "2-commits"}


async def test_a_worker_begins_with_the_certificate_in_use_while_the_files_are_broken(
    tmp_path: Path,
) -> None:
    certificate = Authority().write(tmp_path, "good.test")
    async with serving(tmp_path / "state", tls={"certificate": str(certificate)}) as relay:
        certificate.write_text("no certificate")
        for process in relay.processes:
            os.kill(process.pid, signal.SIGKILL)
        await until(lambda: all(p.replaced and p.up for p in relay.processes))
        for client in await relay.in_each():
            await client.say(b"STARTTLS")
            assert await shown(client) == "good.test"
            client.close()
        assert "good.test.pem: cannot be used" in relay.service.health.summary()


async def test_a_message_that_a_killed_worker_had_in_hand_is_told_as_unknown(
    tmp_path: Path,
) -> None:
    async with serving(tmp_path / "state") as relay:
        relay.upstream.dot = slower
        [decided, envelope] = [await relay.greeted() for _ in range(2)]
        for client in (decided, envelope):
            await client.say(MAIL, b"RCPT TO:<b@home.test>", b"DATA")
        await asyncio.sleep(0.1)  # until all that is told
        decided.writer.write(b"Subject: s\r\n\r\nx\r\n.\r\n")
        await until(lambda: relay.upstream.messages)
        for process in relay.processes:
            os.kill(process.pid, signal.SIGKILL)
        assert await decided.rest() == await envelope.rest() == b""
        await until(lambda: relay.sessions == 0)
        one, other = sorted(await relay.feed.history(), key=lambda record: record.state)
        assert [f.code for f in other.findings if f.code.startswith("relay.")] == [
            "relay.commit-unknown"
        ]
        assert (one.state, other.state) == ("none", "unknown")
        assert {one.verdict.code, other.verdict.code} == {451}


async def test_a_worker_that_hangs_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "HUNG", 2.5)
    monkeypatch.setattr(supervisor, "EVERY", 0.1)
    async with serving(tmp_path / "state") as relay:
        os.kill(relay.processes[0].pid, signal.SIGSTOP)
        client = await relay.greeted()  # by the other one
        await until(lambda: relay.processes[0].replaced == 1 and relay.processes[0].up)
        assert (await client.say(MAIL)).startswith(b"250")
        client.close()


async def slow() -> bytes:
    await asyncio.sleep(0.02)
    return b"250 2.0.0 queued\r\n"


async def test_a_drain_waits_for_the_reply_to_a_message(tmp_path: Path) -> None:
    async with contextlib.AsyncExitStack() as stack:
        relay = await stack.enter_async_context(serving(tmp_path / "state", limits={"drain": 0.1}))
        relay.upstream.dot = slower
        pids = [process.pid for process in relay.processes]
        readings = relay.service.health.readings()
        assert [readings[name][1]() for name in ("workers_up", "workers_replaced")] == [2, 0]
        clients = await relay.in_each()
        for client in clients:
            await client.say(MAIL, b"RCPT TO:<b@home.test>", b"DATA")
            client.writer.write(b"Subject: s\r\n\r\nx\r\n.\r\n")
        await until(lambda: len(relay.upstream.messages) == len(clients))
        ending = asyncio.create_task(stack.aclose())
        await asyncio.sleep(0.3)
        with pytest.raises(ConnectionError):
            await (await relay.client()).reply()
        for client in clients:
            assert (await client.reply()).startswith(b"250")
        await ending
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


async def slower() -> bytes:
    await asyncio.sleep(1)
    return b"250 2.0.0 queued\r\n"


async def test_what_a_worker_cannot_use_is_told_as_if_it_were_one_process(tmp_path: Path) -> None:
    zone = tmp_path / "zone"
    zone.write_text("this is no zone\n")
    with pytest.raises(ConfigError, match=r"dns\.zone: "):
        async with serving(tmp_path / "state", dns={"zone": str(zone)}):
            pass
