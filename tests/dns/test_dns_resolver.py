"""The live resolver, against a name server on loopback that the tests script."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest

from monitor.dns import resolver as resolver_module
from monitor.dns.anchors import load_anchors
from monitor.dns.resolver import LiveResolver

Script = Callable[[dns.message.Message, bool], dns.message.Message | None]


class NameServer(asyncio.DatagramProtocol):
    """Answers by ``script(query, over_tcp)``; None is silence. Counts what it was asked."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.asked: list[str] = []
        self.port = 0

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._tcp = await asyncio.start_server(self._stream, "127.0.0.1", 0)
        self.port = self._tcp.sockets[0].getsockname()[1]
        self._udp, _ = await loop.create_datagram_endpoint(
            lambda: self, local_addr=("127.0.0.1", self.port)
        )

    def stop(self) -> None:
        self._tcp.close()
        self._udp.close()

    def connection_made(self, transport):
        self._transport = transport

    def datagram_received(self, data, address):
        if wire := self._reply(data, False):
            self._transport.sendto(wire, address)

    async def _stream(self, reader, writer):
        (size,) = struct.unpack("!H", await reader.readexactly(2))
        wire = self._reply(await reader.readexactly(size), True)
        if wire:
            writer.write(struct.pack("!H", len(wire)) + wire)
        writer.close()

    def _reply(self, data: bytes, tcp: bool) -> bytes | None:
        query = dns.message.from_wire(data)
        self.asked.append(query.question[0].to_text().split()[0] + ("/tcp" if tcp else ""))
        response = self.script(query, tcp)
        return response.to_wire(max_size=65_535) if response else None


def reply(query, *records: str, rcode=dns.rcode.NOERROR, flags: int = 0, soa: str = ""):
    response = dns.message.make_response(query, recursion_available=True)
    response.set_rcode(rcode)
    response.flags |= flags
    for text in records:
        name, ttl, rdtype, data = text.split(" ", 3)
        response.answer.append(dns.rrset.from_text(name, int(ttl), "IN", rdtype, data))
    if soa:
        response.authority.append(
            dns.rrset.from_text(soa, 900, "IN", "SOA", ". . 1 3600 900 86400 120")
        )
    return response


@pytest.fixture
async def server():
    servers = []

    async def start(script: Script) -> NameServer:
        made = NameServer(script)
        await made.start()
        servers.append(made)
        return made

    yield start
    for each in servers:
        each.stop()


def asking(*servers: NameServer, **options) -> LiveResolver:
    options.setdefault("trust_ad", False)
    options.setdefault("timeout", 2)
    return LiveResolver([("127.0.0.1", s.port) for s in servers], **options)


async def test_an_answer_is_asked_once_and_kept_for_its_ttl(server):
    ns = await server(lambda q, tcp: reply(q, "a.test. 60 A 192.0.2.1"))
    now = [1000.0]
    resolver = asking(ns, clock=lambda: now[0])
    assert resolver.known("a.test", "A") is None
    first = await resolver.answer("A.test.", "A")
    assert (first.status, first.records, first.ttl) == ("ok", ("192.0.2.1",), 60)
    assert resolver.known("a.test", "A") == first
    assert await resolver.answer("a.test", "A") == first
    assert len(ns.asked) == 1
    now[0] += 60
    assert resolver.known("a.test", "A") is None


async def test_identical_questions_at_one_time_are_one_query(server):
    ns = await server(lambda q, tcp: reply(q, "a.test. 60 A 192.0.2.1"))
    resolver = asking(ns)
    answers = await asyncio.gather(*(resolver.answer("a.test", "A") for _ in range(20)))
    assert {a.records for a in answers} == {("192.0.2.1",)}
    assert ns.asked == ["a.test."]


async def test_who_asked_first_may_leave_and_the_others_are_still_answered(server):
    ns = await server(lambda q, tcp: reply(q, "a.test. 60 A 192.0.2.1"))
    resolver = asking(ns)
    first = asyncio.create_task(resolver.answer("a.test", "A"))
    second = asyncio.create_task(resolver.answer("a.test", "A"))
    await asyncio.sleep(0)
    first.cancel()
    assert (await second).records == ("192.0.2.1",)
    assert len(ns.asked) == 1


async def test_a_truncated_answer_is_asked_for_again_by_tcp(server):
    long = " ".join(f'"{"x" * 200}"' for _ in range(10))

    def script(query, tcp):
        if not tcp:
            return reply(query, flags=dns.flags.TC)
        return reply(query, f"a.test. 60 TXT {long}")

    ns = await server(script)
    answer = await asking(ns).answer("a.test", "TXT")
    assert answer.records == ("x" * 2_000,)
    assert ns.asked == ["a.test.", "a.test./tcp"]


async def test_aliases_in_the_answer_are_followed(server):
    ns = await server(lambda q, tcp: reply(q, "a.test. 60 CNAME B.test.", "b.test. 30 A 192.0.2.1"))
    answer = await asking(ns).answer("a.test", "A")
    assert (answer.records, answer.canonical, answer.ttl) == (("192.0.2.1",), "b.test", 30)


async def test_what_does_not_exist_is_kept_as_long_as_the_soa_says(server):
    ns = await server(lambda q, tcp: reply(q, rcode=dns.rcode.NXDOMAIN, soa="test."))
    answer = await asking(ns).answer("a.test", "A")
    assert (answer.status, answer.ttl) == ("nxdomain", 120)
    ns.script = lambda q, tcp: reply(q, soa="test.")
    assert (await asking(ns).answer("a.test", "A")).status == "nodata"


async def test_a_failing_server_gives_way_to_the_next(server):
    bad = await server(lambda q, tcp: reply(q, rcode=dns.rcode.SERVFAIL))
    good = await server(lambda q, tcp: reply(q, "a.test. 60 A 192.0.2.1"))
    assert (await asking(bad, good).answer("a.test", "A")).status == "ok"


async def test_refusal_everywhere_is_servfail(server):
    ns = await server(lambda q, tcp: reply(q, rcode=dns.rcode.REFUSED))
    answer = await asking(ns).answer("a.test", "A")
    assert (answer.status, answer.failed) == ("servfail", True)
    assert len(ns.asked) == 2


async def test_silence_is_a_timeout_within_the_limit_after_some_tries(server):
    ns = await server(lambda q, tcp: None)
    loop = asyncio.get_running_loop()
    start = loop.time()
    answer = await asking(ns, timeout=0.3).answer("a.test", "A")
    assert answer.status == "timeout"
    assert loop.time() - start < 2
    assert 2 <= len(ns.asked) <= 3


async def test_a_lost_datagram_is_made_up_for(server):
    lost = iter([None])
    ns = await server(lambda q, tcp: next(lost, reply(q, "a.test. 60 A 192.0.2.1")))
    assert (await asking(ns, timeout=0.6).answer("a.test", "A")).status == "ok"


async def test_where_nothing_listens_the_question_fails():
    resolver = LiveResolver([("127.0.0.1", 1)], timeout=0.3, trust_ad=False)
    assert (await resolver.answer("a.test", "A")).failed


@pytest.mark.parametrize("name", ["x" * 64 + ".test", "a..test", "y" * 300, "\udcff.test", "\\"])
async def test_a_name_that_cannot_be_is_not_asked_for(server, name):
    ns = await server(lambda q, tcp: reply(q))
    assert (await asking(ns).answer(name, "A")).status == "nxdomain"
    assert ns.asked == []


def _signed(query, tcp):
    flags = 0 if query.question[0].name.to_text() == "plain.test." else dns.flags.AD
    assert query.flags & dns.flags.AD  # asked for, RFC 6840 5.7
    return reply(query, flags=flags)


async def test_the_ad_bit_counts_from_a_validating_resolver_on_this_machine(server):
    ns = await server(_signed)
    resolver = asking(ns, trust_ad=None)
    assert (await resolver.answer("plain.test", "A")).secure is False
    assert (await resolver.answer("signed.test", "A")).secure is True
    assert ns.asked[0] == "."  # the probe


async def test_a_resolver_that_does_not_validate_says_nothing_about_security(server):
    ns = await server(lambda q, tcp: reply(q))
    assert (await asking(ns, trust_ad=None).answer("plain.test", "A")).secure is None


async def test_the_ad_bit_of_others_counts_only_where_the_operator_says_so(server):
    ns = await server(_signed)
    assert (await asking(ns, trust_ad=False).answer("signed.test", "A")).secure is None
    assert (await asking(ns, trust_ad=True).answer("plain.test", "A")).secure is False


async def test_the_ad_bit_of_a_far_resolver_is_not_believed_by_itself(monkeypatch):
    async def exchange(query, *_, **__):
        return _signed(query, False), False

    monkeypatch.setattr("dns.asyncquery.udp_with_fallback", exchange)
    far = LiveResolver([("192.0.2.53", 53)])
    assert (await far.answer("signed.test", "A")).secure is None
    near = LiveResolver([("127.0.0.1", 53)])
    assert (await near.answer("signed.test", "A")).secure is True


async def test_a_probe_that_hangs_holds_up_only_shortly(server, monkeypatch):
    monkeypatch.setattr(resolver_module, "PROBE", 0.05)
    ns = await server(
        lambda q, tcp: None if q.question[0].name.to_text() == "." else _signed(q, tcp)
    )
    answer = await asking(ns, trust_ad=None, timeout=1).answer("signed.test", "A")
    assert (answer.status, answer.secure) == ("nodata", None)


async def test_an_answer_is_not_lost_where_its_chain_cannot_be_looked_up(server):
    def only_text(query, tcp):
        assert query.ednsflags & dns.flags.DO
        if query.question[0].rdtype != dns.rdatatype.TXT:
            return None
        return reply(query, "a.test. 60 TXT hello")

    resolver = asking(await server(only_text), anchors=load_anchors(), trust_ad=True, timeout=0.5)
    async with asyncio.timeout(5):
        answer = await resolver.answer("a.test", "TXT")
    assert (answer.records, answer.secure) == (("hello",), None)
