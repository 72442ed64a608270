"""Answers from the network, through a recursive resolver."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import itertools
import math
import time
from collections.abc import Callable, Iterable, Sequence

import dns.asyncquery
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import msgspec

from monitor.dns.cache import Cache
from monitor.dns.form import from_name, presentation, to_name
from monitor.dns.validate import Anchors, Validator
from monitor.findings.answers import Answer, Question, canonical

__all__ = ["LiveResolver"]

PAYLOAD = 1_232  # octets of UDP that pass everywhere unfragmented
AT_ONCE = 256  # questions under way, each with a socket of its own
TRIES = 3  # how often one server is asked within the deadline
PROBE = 1.0  # seconds that an answer waits to learn whether the server validates
_ROOT: Question = ("", "SOA")  # signed since 2010


class LiveResolver:
    """A stub resolver (RFC 1034 5.3.1) with a cache; identical questions are asked once.

    With ``anchors`` DNSSEC is validated here. Without them the AD bit of the server is
    believed where ``trust_ad`` is true, or where it is None, every server is on this
    machine, and the root zone comes with an AD bit, so that they do validate. Elsewhere
    ``Answer.secure`` is None.
    """

    def __init__(
        self,
        servers: Sequence[tuple[str, int]],
        *,
        timeout: float = 4.0,
        cache: int = 50_000,
        trust_ad: bool | None = None,
        anchors: Anchors | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Ask ``servers`` in turn; ``timeout`` is seconds for one question in all."""
        self._servers = tuple(servers)
        self._timeout = timeout
        self._clock = clock
        self._cache = Cache(cache)
        self._asked: dict[Question, asyncio.Task[Answer]] = {}
        self._places = asyncio.Semaphore(AT_ONCE)
        local = all(ipaddress.ip_address(host).is_loopback for host, _ in self._servers)
        self._validator = None if anchors is None else Validator(self._fetch, anchors)
        self._probe_wanted = local and trust_ad is None and anchors is None
        self._validates = trust_ad is True and anchors is None

    def known(self, name: str, rdtype: str) -> Answer | None:
        """The cached answer, else None."""
        return self._cache.get((name, rdtype), self._clock())

    def left(self, questions: Iterable[Question]) -> float:
        """Seconds until the first of the cached answers expires."""
        first = min(map(self._cache.expires, questions), default=math.inf)
        return max(0.0, first - self._clock())

    async def answer(self, name: str, rdtype: str) -> Answer:
        """The cached answer, else the network's. Never raises but when cancelled."""
        question = (canonical(name), rdtype)
        if answer := self._cache.get(question, self._clock()):
            return answer
        task = self._asked.get(question)
        if task is None:
            task = self._asked[question] = asyncio.create_task(self._look_up(question))
            task.add_done_callback(lambda _: self._asked.pop(question, None))
        return await asyncio.shield(task)  # who asked first may leave, others still wait

    async def _look_up(self, question: Question) -> Answer:
        if self._probe_wanted and question != _ROOT:
            # Its answer is used by the one after it; a server that hangs must not hold us up.
            await asyncio.wait({asyncio.ensure_future(self.answer(*_ROOT))}, timeout=PROBE)
        qname = to_name(question[0])
        if qname is None:
            return Answer(name=question[0], type=question[1], status="nxdomain")
        ends = asyncio.get_running_loop().time() + self._timeout
        answer, response = await self._ask(question, qname, ends)
        if self._validator is not None and response is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(ends):
                    secure = await self._validator.secure(response, qname, question[1])
                    answer = msgspec.structs.replace(answer, secure=secure)
        self._cache.put(answer, self._clock())
        return answer

    async def _ask(
        self, question: Question, qname: dns.name.Name, ends: float
    ) -> tuple[Answer, dns.message.Message | None]:
        name, rdtype = question
        failure = Answer(name=name, type=rdtype, status="timeout")
        try:
            async with asyncio.timeout_at(ends), self._places:
                for host, port in itertools.chain.from_iterable([self._servers] * TRIES):
                    response = await self._exchange(qname, rdtype, host, port)
                    if response is None:
                        continue
                    answer = self._read(question, response)
                    if answer.status != "servfail":
                        return answer, response
                    if failure.status == "servfail":
                        break  # twice told: do not wear out the servers
                    failure = answer
        except TimeoutError:
            pass
        return failure, None

    async def _fetch(self, qname: dns.name.Name, rdtype: str) -> dns.message.Message | None:
        """What the validator asks: the response of the first server that gives one."""
        for host, port in self._servers:
            async with self._places:
                response = await self._exchange(qname, rdtype, host, port)
            if response is not None and response.rcode() in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
                return response
        return None

    async def _exchange(
        self, qname: dns.name.Name, rdtype: str, host: str, port: int
    ) -> dns.message.Message | None:
        """One query by UDP, then TCP when it was truncated; None when nothing came."""
        query = dns.message.make_query(
            qname, rdtype, use_edns=0, payload=PAYLOAD, want_dnssec=self._validator is not None
        )
        query.flags |= dns.flags.AD  # RFC 6840 5.7: asks for the AD bit without the signatures
        try:
            response, _ = await dns.asyncquery.udp_with_fallback(
                query,
                host,
                timeout=self._timeout / TRIES,
                port=port,
                ignore_unexpected=True,
                ignore_errors=True,
            )
        except (dns.exception.DNSException, OSError, EOFError, ValueError):
            return None
        return response

    def _read(self, question: Question, response: dns.message.Message) -> Answer:
        name, rdtype = question
        if response.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN) or not isinstance(
            response, dns.message.QueryMessage
        ):
            return Answer(name=name, type=rdtype, status="servfail")
        try:
            chain = response.resolve_chaining()
        except dns.exception.DNSException:
            return Answer(name=name, type=rdtype, status="servfail")
        authenticated = bool(response.flags & dns.flags.AD)
        if self._probe_wanted and question == _ROOT:
            self._probe_wanted, self._validates = False, authenticated
        secure = authenticated if self._validates else None
        if chain.answer is None:
            missing = response.rcode() == dns.rcode.NXDOMAIN
            return Answer(
                name=name,
                type=rdtype,
                status="nxdomain" if missing else "nodata",
                canonical=from_name(chain.canonical_name),
                secure=secure,
                ttl=chain.minimum_ttl,
            )
        return Answer(
            name=name,
            type=rdtype,
            status="ok",
            records=tuple(presentation(rdata) for rdata in chain.answer),
            canonical=from_name(chain.canonical_name),
            secure=secure,
            ttl=chain.minimum_ttl,
        )
