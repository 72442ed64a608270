"""Everything at once, each under a deadline, and judged."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TypeVar

import msgspec

from monitor.checks.settle import Inquiry
from monitor.config import Settings
from monitor.dns import Resolver
from monitor.doctor import certificate, contradictions, database, look, machine, upstream
from monitor.doctor.check import Check, Subject
from monitor.doctor.fetch import fetch
from monitor.doctor.meet import as_ourselves, as_stranger, meet_host
from monitor.doctor.records import (
    check_dkim,
    check_dmarc,
    check_exists,
    check_mx,
    check_spf,
    mx_hosts,
)
from monitor.doctor.transport import Host, Published, check_dane, check_mta_sts, check_tls_rpt
from monitor.findings.answers import Answer, Ask, ask_all
from monitor.findings.mailbox import ascii_domain
from monitor.text import printable

__all__ = ["Doctor"]

log = logging.getLogger(__name__)

T = TypeVar("T")

DNS = 6.0  # seconds for all questions together
TOTAL = 14.0  # seconds for everything
MAX_DOMAINS = 20
MAX_QUESTIONS = 5_000


class Doctor:
    """One examination. Use it in a running loop; ``domains`` in place of local_domains."""

    def __init__(
        self,
        settings: Settings,
        resolver: Resolver,
        *,
        domains: Sequence[str] = (),
        selectors: Sequence[str] = (),
        https: int = 443,
        smtp: int = 25,
    ) -> None:
        now = asyncio.get_running_loop().time()
        self._settings = settings
        self._domains = list(dict.fromkeys(domains or settings.local_domains))
        self._selectors = selectors
        self._https = https
        self._smtp = smtp
        self._dns = Inquiry(resolver, questions=MAX_QUESTIONS, deadline=now + DNS)
        self._ends = now + TOTAL
        self._hosts: dict[str, asyncio.Future[Host]] = {}  # each is met once
        self._web: float | None = None  # the clock of a web server of ours

    async def examine(self) -> list[Check]:
        """Every check, in the order in which they are told. Never raises for what it meets."""
        settings = self._settings
        parts = await asyncio.gather(
            self._part("upstream", self._upstream()),
            self._part("this machine", self._names()),
            self._part("certificate", self._certificate()),
            *(self._part(printable(d, 80), self._domain(d)) for d in self._domains[:MAX_DOMAINS]),
        )
        seen = await look.machine(settings)
        local = list(machine.judge(msgspec.structs.replace(seen, web=self._web), settings))
        shared = await self._part("shared database", self._shared())
        greylists = await asyncio.to_thread(look.greylists, settings.state)
        together = list(contradictions.judge(settings, greylists))
        if left := self._domains[MAX_DOMAINS:]:
            why = f"the first {MAX_DOMAINS} domains are looked at; name others with --domain"
            parts.append([Subject("domains").skipped(printable(left[0], 80), why)])
        return [
            *parts[0],
            *parts[1],
            *local,
            *shared,
            *parts[2],
            *together,
            *(c for p in parts[3:] for c in p),
        ]

    async def _part(self, about: str, work: Awaitable[list[Check]]) -> list[Check]:
        """What ``work`` gives; where it fails, that is told in its place."""
        try:
            async with asyncio.timeout_at(self._ends):
                return await work
        except TimeoutError:
            why = "did not end in time"
        except Exception as error:
            log.exception("the doctor failed at %s", about)
            why = f"mxtap's own fault: {type(error).__name__}"
        return [Subject(about).skipped("all", why)]

    async def _upstream(self) -> list[Check]:
        own, stranger = await asyncio.gather(
            as_ourselves(self._settings), as_stranger(self._settings)
        )
        return list(upstream.judge(own, stranger, self._settings))

    async def _names(self) -> list[Check]:
        settings, name = self._settings, self._settings.name
        root, named, addresses = await asyncio.gather(
            self._settled(lambda ask: ask("", "SOA")),
            self._settled(lambda ask: machine.check_name(name, ask)),
            self._settled(lambda ask: self._addresses(name, ask)),
        )
        ours = list(dict.fromkeys((*machine.speaks_to(settings), *addresses)))
        pointers = await asyncio.gather(
            *(self._settled(partial(machine.check_address, ip)) for ip in ours)
        )
        return [machine.check_resolver(settings, root), *named, *pointers]

    async def _shared(self) -> list[Check]:
        if not self._settings.database:
            return []
        seen = await asyncio.to_thread(look.shared, self._settings)
        return list(database.judge(seen, self._settings))

    async def _certificate(self) -> list[Check]:
        seen = await look.machine(self._settings)
        files = await asyncio.to_thread(look.certificate, self._settings)
        return list(certificate.judge(files, [self._settings.name], seen.now))

    async def _domain(self, text: str) -> list[Check]:
        domain = ascii_domain(text.encode("utf-8", "surrogateescape"))
        if domain is None:
            mend = "Correct it in local_domains."
            return [Subject(printable(text, 80)).error("name", "is no domain name", mend)]
        if missing := await self._settled(lambda ask: check_exists(domain, ask)):
            return missing
        settings, name = self._settings, self._settings.name
        own, policies = await asyncio.gather(
            asyncio.gather(
                self._settled(lambda ask: check_mx(domain, name, ask)),
                self._settled(lambda ask: check_spf(domain, name, ask)),
                self._settled(lambda ask: check_dkim(domain, self._selectors, ask)),
                self._settled(lambda ask: check_dmarc(domain, settings, ask)),
            ),
            self._transport(domain),
        )
        return [check for checks in (*own, policies) for check in checks]

    async def _transport(self, domain: str) -> list[Check]:
        names, sts, report = await asyncio.gather(
            self._settled(lambda ask: mx_hosts(domain, ask)),
            self._settled(lambda ask: ask(f"_mta-sts.{domain}", "TXT")),
            self._settled(lambda ask: ask(f"_smtp._tls.{domain}", "TXT")),
        )
        wanted = [(f"_25._tcp.{name}", "TLSA") for name in names] + [(n, "A") for n in names]
        answers = await self._settled(lambda ask: ask_all(ask, wanted))
        tlsa = dict(zip(names, answers, strict=False))
        addresses = dict(zip(names, answers[len(names) :], strict=True))
        has_policy = any(record.startswith("v=STSv1") for record in sts.records)
        shown = has_policy or any(answer.records for answer in tlsa.values())
        published, hosts = await asyncio.gather(
            self._policy(domain, has_policy),
            asyncio.gather(*(self._host(name, shown) for name in names)),
        )
        return [
            *check_mta_sts(domain, sts, published, hosts),
            check_tls_rpt(domain, report),
            *check_dane(domain, tlsa, addresses, hosts),
        ]

    async def _policy(self, domain: str, wanted: bool) -> Published | None:
        if not wanted:
            return None
        host = f"mta-sts.{domain}"
        addresses = await self._settled(lambda ask: self._addresses(host, ask))
        published = await fetch(host, addresses, self._https)
        self._web = self._web or published.date
        return published

    async def _host(self, name: str, wanted: bool) -> Host:
        if not wanted:
            return Host(name=name, fault="nothing asks for it")
        if name not in self._hosts:
            self._hosts[name] = asyncio.ensure_future(self._meet(name))
        return await self._hosts[name]

    async def _meet(self, name: str) -> Host:
        addresses = await self._settled(lambda ask: self._addresses(name, ask))
        return await meet_host(name, addresses, self._smtp)

    def _addresses(self, name: str, ask: Ask) -> tuple[str, ...]:
        found: list[Answer] = ask_all(ask, [(name, "A"), (name, "AAAA")])
        return tuple(record for answer in found for record in answer.records)

    async def _settled(self, check: Callable[[Ask], T]) -> T:
        return await self._dns.settle(check)
