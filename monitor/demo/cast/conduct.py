"""Clients that speak SMTP badly, or not at all."""

from __future__ import annotations

from monitor.demo import home
from monitor.demo.client import Client, Reply
from monitor.demo.letter import Mail
from monitor.demo.sender import Sender, at


class Stubborn(Sender):
    """Sends DATA, and content behind it, though every recipient was refused."""

    domain = "stubborn.example"
    hosts = at(mail="127.0.120.1")
    spf = "ip4:127.0.120.1 -all"
    keys = ("rsa2048",)
    recipient = f"nobody@{home.DOMAIN}"

    async def transact(self, client: Client, mail: Mail) -> Reply:
        """Never looks at a reply."""
        await client.say(f"MAIL FROM:<{mail.sender}>")
        refusal = await client.say(f"RCPT TO:<{mail.recipients[0]}>")
        await client.say("DATA")
        await client.write(b"Subject: You will read this\r\n\r\nWhether you want or not.\r\n.\r\n")
        return refusal


class Oversized(Sender):
    """Announces a film, is told that it is too big, and goes on all the same."""

    domain = "oversized.example"
    hosts = at(mail="127.0.129.1")
    spf = "ip4:127.0.129.1 -all"

    async def transact(self, client: Client, mail: Mail) -> Reply:
        """RCPT after a refused MAIL."""
        refusal = await client.say(f"MAIL FROM:<{mail.sender}> SIZE=4000000000")
        for recipient in mail.recipients:
            await client.say(f"RCPT TO:<{recipient}>")
        return refusal


class Dialer(Sender):
    """A bot: talks before the banner, pipelines all, greets as localhost, hangs up at the end."""

    domain = "dialer.example"
    hosts = at(mail="127.0.121.1")
    pointers = False
    every = 12

    async def turn(self) -> None:
        """Its whole script in one packet, and then the line is dropped."""
        message = self.write(Subject="Meet singles").decode()
        script = (
            "HELO localhost",
            f"MAIL FROM:<{self.address}>",
            f"RCPT TO:<{self.recipient}>",
            "DATA",
        )
        async with self.connected() as client:
            await client.write(("\r\n".join(script) + f"\r\n{message}.\r\n").encode())
            for _ in range(len(script) + 2):
                await client.reply()


class Impostor(Sender):
    """Greets with our own name, as if it were us."""

    domain = "impostor.example"
    hosts = at(mail="127.0.122.1")
    tls = False

    @property
    def helo(self) -> str:
        """Ours."""
        return home.HOST


class Fumbler(Sender):
    """Commands in the wrong order, and some that do not exist; then it finds the way."""

    domain = "fumbler.example"
    hosts = at(mail="127.0.123.1")
    spf = "ip4:127.0.123.1 -all"

    async def transact(self, client: Client, mail: Mail) -> Reply:
        """Words of its own, then RCPT and DATA before MAIL."""
        for word in ("SEND", "MESSAGE", "PLEASE"):
            await client.say(word)
        await client.say(f"RCPT TO:<{mail.recipients[0]}>")
        await client.say("DATA")
        return await super().transact(client, mail)


class Smuggler(Sender):
    """Hides a second mail behind an end of data that is none (SMTP smuggling)."""

    domain = "smuggler.example"
    hosts = at(mail="127.0.124.1")
    spf = "ip4:127.0.124.1 -all"

    async def transact(self, client: Client, mail: Mail) -> Reply:
        """A bare line feed before the dot, and commands behind it."""
        hidden = (
            f"\n.\r\nMAIL FROM:<admin@{home.DOMAIN}>\r\nRCPT TO:<{home.INFO}>\r\nDATA\r\n"
            f"From: admin@{home.DOMAIN}\r\nSubject: Smuggled\r\n\r\nHidden.\r\n"
        )
        await client.say(f"MAIL FROM:<{mail.sender}>")
        await client.say(f"RCPT TO:<{mail.recipients[0]}>")
        reply = await client.say("DATA")
        if reply.code != 354:
            return reply
        await client.write(mail.content + hidden.encode() + b".\r\n")
        return await client.reply()


class Script(Sender):
    """A shell script of the last century: commands end in a bare LF, and there is no QUIT."""

    domain = "script.example"
    hosts = at(mail="127.0.125.1")
    spf = "ip4:127.0.125.1 -all"

    async def turn(self) -> None:
        """Line by line; only the content has CRLF, as it came from elsewhere."""
        async with self.connected() as client:
            await client.reply()
            script = (
                f"HELO {self.helo}",
                f"MAIL FROM:<{self.address}>",
                f"RCPT TO:<{self.recipient}>",
                "DATA",
            )
            for line in script:
                await client.write(f"{line}\n".encode())
                reply = await client.reply()
            if reply.code == 354:
                await client.content(self.write())


class Raw(Sender):
    """A mailer without limits: 8-bit text unannounced, a NUL, a line of 3000 octets."""

    domain = "raw.example"
    hosts = at(mail="127.0.126.1")
    spf = "ip4:127.0.126.1 -all"

    def mail(self) -> Mail:
        """All in one message."""
        text = self.write(text="Grüße aus dem Büro").replace(b"Gr", b"\0Gr")
        return Mail(self.address, (self.recipient,), text + b"x" * 3000 + b"\r\n")


class WebClient(Sender):
    """Takes the port for a web server."""

    domain = "crawler.example"
    hosts = at(mail="127.0.127.1")
    pointers = False
    every = 25

    async def turn(self) -> None:
        """One HTTP request."""
        async with self.connected() as client:
            await client.write(
                f"GET / HTTP/1.1\r\nHost: {home.HOST}\r\nUser-Agent: crawler\r\n\r\n".encode()
            )
            for _ in range(2):
                await client.reply()


class Scanner(Sender):
    """Connects, looks at the banner, and goes."""

    domain = "scanner.example"
    hosts = at(mail="127.0.128.1")
    every = 25

    async def turn(self) -> None:
        """Not a word."""
        async with self.connected() as client:
            await client.reply()


CONDUCT: tuple[type[Sender], ...] = (
    Stubborn,
    Oversized,
    Dialer,
    Impostor,
    Fumbler,
    Smuggler,
    Script,
    Raw,
    WebClient,
    Scanner,
)
