"""What every member of the cast has: a place in the DNS, a pace, and an MTA of its own."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import cache
from typing import ClassVar, NamedTuple

from monitor.demo import home
from monitor.demo.client import Client, Reply
from monitor.demo.keys import Keys, Kind
from monitor.demo.letter import Mail, letter
from monitor.demo.pace import Pace
from monitor.demo.signing import sign


def at(**hosts: str) -> Mapping[str, str]:
    """A site's hosts: label to address."""
    return hosts


class World(NamedTuple):
    """What the cast shares."""

    relay: tuple[str, int]
    keys: Keys
    pace: Pace
    bind: bool  # each host sends from its own address


class Sender:
    """One site that sends mail; as it stands, a decent one.

    Subclasses say what they publish in the DNS, what they send, and how. The docstring of
    each is its habit, and the zone file quotes it.
    """

    domain: ClassVar[str]
    hosts: ClassVar[Mapping[str, str]]  # host label to address; the first one sends
    spf: ClassVar[str] = ""  # what stands behind v=spf1; "" for no record
    dmarc: ClassVar[str] = ""  # what stands behind v=DMARC1; "" for no record
    keys: ClassVar[Sequence[Kind]] = ()  # it signs with each; the selector is the kind's name
    key_tags: ClassVar[str] = ""  # further tags of its key records
    mx: ClassVar[str] = "10 mail"  # where mail to the domain goes; "" for no record
    dnssec: ClassVar[bool] = True  # the zone is signed
    pointers: ClassVar[bool] = True  # each host has a PTR record
    records: ClassVar[str] = ""  # more of the zone, names relative to the domain

    every: ClassVar[float] = 15  # minutes between two turns
    retries: ClassVar[Sequence[float]] = (30, 60)  # minutes to wait after each 4xx
    tls: ClassVar[bool] = True
    recipient: ClassVar[str] = home.INFO
    subject: ClassVar[str] = "Notes of the week"

    def __init__(self, world: World) -> None:
        self.world = world

    async def turn(self) -> None:
        """Do what it does, once."""
        await self.queue(self.mail())

    # What it sends

    @property
    def address(self) -> str:
        """Its usual reverse-path."""
        return f"news@{self.domain}"

    def message_id(self) -> str:
        """A new Message-ID (RFC 5322 3.6.4), without the angle brackets."""
        return f"{self.world.pace.random.getrandbits(48):012x}@{self.domain}"

    def write(self, **fields: str) -> bytes:
        """An unsigned letter. ``fields`` are header fields; ``text`` is the body."""
        return letter(
            fields.pop("From", self.address),
            fields.pop("To", self.recipient),
            fields.pop("Subject", self.subject),
            fields.pop("text", "The usual news, and nothing else.\n\n-- \n" + self.domain),
            self.message_id(),
            {name.replace("_", "-"): value for name, value in fields.items()},
        )

    def signed(self, message: bytes) -> bytes:
        """``message`` with a signature by each of its keys."""
        for kind in self.keys:
            message = sign(message, self.world.keys[kind], self.domain, kind)
        return message

    def mail(self) -> Mail:
        """What it has to send this time."""
        return Mail(self.address, (self.recipient,), self.signed(self.write()))

    # How it sends

    @property
    def helo(self) -> str:
        """The name that its first host gives."""
        return self.host_name(next(iter(self.hosts)))

    def host_name(self, label: str) -> str:
        """A host's name in the DNS."""
        return f"{label}.{self.domain}"

    async def queue(self, mail: Mail) -> Reply:
        """Deliver, and again after each 4xx as ``retries`` tells; the last reply."""
        reply = await self.deliver(mail)
        for minutes in self.retries:
            if not reply.transient:
                break
            await self.world.pace.wait(minutes)
            reply = await self.deliver(mail)
        return reply

    @asynccontextmanager
    async def connected(self, label: str = "") -> AsyncIterator[Client]:
        """A connection from one of its hosts, dropped at the end."""
        source = self.hosts[label or next(iter(self.hosts))]
        client = await Client.connect(self.world.relay, source if self.world.bind else "")
        try:
            yield client
        finally:
            client.close()

    async def deliver(self, mail: Mail, label: str = "") -> Reply:
        """One attempt from one host; the reply that decided it."""
        async with self.connected(label) as client:
            reply = await client.reply()
            if reply.good:
                reply = await self.greet(client, label)
            if reply.good:
                reply = await self.transact(client, mail)
            await client.quit()
            return reply

    async def greet(self, client: Client, label: str = "") -> Reply:
        """EHLO, and STARTTLS where both can."""
        name = self.host_name(label) if label else self.helo
        reply = await client.ehlo(name)
        if self.tls and "STARTTLS" in client.keywords:
            await client.starttls(trusting())
            reply = await client.ehlo(name)
        return reply

    async def transact(self, client: Client, mail: Mail) -> Reply:
        """One transaction in lock step; the reply that decided it."""
        reply = await client.say(f"MAIL FROM:<{mail.sender}>{mail.parameters}")
        if not reply.good:
            return reply
        replies = [await client.say(f"RCPT TO:<{rcpt}>") for rcpt in mail.recipients]
        if not any(reply.good for reply in replies):
            return replies[-1]
        reply = await client.say("DATA")
        return await client.content(mail.content) if reply.code == 354 else reply


@cache
def trusting() -> ssl.SSLContext:
    """Opportunistic TLS (RFC 7435): any certificate is better than plaintext."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
