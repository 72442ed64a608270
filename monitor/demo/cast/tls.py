"""Senders whose TLS does not fit ours."""

from __future__ import annotations

import ssl
import warnings
from typing import ClassVar

from monitor.demo.client import Reply
from monitor.demo.letter import Mail
from monitor.demo.sender import Sender, at


class _Fallback(Sender):
    """When the handshake fails, it comes back at once and sends in plaintext."""

    every = 20
    ciphers: ClassVar[str]
    version: ClassVar[ssl.TLSVersion]

    async def deliver(self, mail: Mail, label: str = "") -> Reply:
        """TLS, then none."""
        async with self.connected(label) as client:
            await client.reply()
            await client.ehlo(self.helo)
            if "STARTTLS" in client.keywords:
                try:
                    await client.starttls(self.context())
                except (OSError, EOFError):
                    return await self.in_plaintext(mail)
                await client.ehlo(self.helo)
            reply = await self.transact(client, mail)
            await client.quit()
            return reply

    async def in_plaintext(self, mail: Mail) -> Reply:
        """The same mail on a new connection, without STARTTLS."""
        async with self.connected() as client:
            await client.reply()
            await client.ehlo(self.helo)
            reply = await self.transact(client, mail)
            await client.quit()
            return reply

    def context(self) -> ssl.SSLContext:
        """What it offers."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.set_ciphers(self.ciphers)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # an old version is the point
            context.minimum_version = self.version
            context.maximum_version = self.version
        return context


class NoSharedCipher(_Fallback):
    """Offers two CBC suites of TLS 1.2, none of which we accept; then it sends in plaintext."""

    domain = "oldcipher.example"
    hosts = at(mail="127.0.110.1")
    spf = "ip4:127.0.110.1 -all"
    dmarc = "p=reject"
    keys = ("rsa2048",)
    ciphers = "AES128-SHA:AES256-SHA:@SECLEVEL=0"
    version = ssl.TLSVersion.TLSv1_2


class OldProtocol(_Fallback):
    """An appliance that speaks TLS 1.0 and no other; then it sends in plaintext."""

    domain = "appliance.example"
    hosts = at(mail="127.0.111.1")
    spf = "ip4:127.0.111.1 -all"
    ciphers = "ALL:@SECLEVEL=0"
    version = ssl.TLSVersion.TLSv1


class Plain(Sender):
    """Never heard of STARTTLS."""

    domain = "plain.example"
    hosts = at(mail="127.0.112.1")
    spf = "ip4:127.0.112.1 -all"
    keys = ("rsa2048",)
    tls = False


TLS: tuple[type[Sender], ...] = (NoSharedCipher, OldProtocol, Plain)
