"""Senders of good manners; without them the others could not be told from noise."""

from __future__ import annotations

from monitor.demo import home
from monitor.demo.client import Client, Reply
from monitor.demo.letter import Mail
from monitor.demo.sender import Sender, at


class Citizen(Sender):
    """Does all as it should: SPF, two DKIM signatures, DMARC with p=reject, TLS, QUIT."""

    domain = "citizen.example"
    hosts = at(mail="127.0.10.1", mx="127.0.10.2")
    mx = "10 mx"
    spf = "ip4:127.0.10.1 -all"
    dmarc = "p=reject; adkim=s; aspf=s"
    keys = ("rsa2048", "ed25519")
    every = 3
    records = 'mail TXT "v=spf1 a -all"'


class Patient(Sender):
    """Writes to a greylisted mailbox; waits half an hour and more, as RFC 5321 asks."""

    domain = "patient.example"
    hosts = at(mail="127.0.11.1")
    spf = "ip4:127.0.11.1 -all"
    dmarc = "p=quarantine"
    keys = ("rsa2048",)
    every = 10
    recipient = home.ORDERS
    subject = "Your order has left our house"

    def mail(self) -> Mail:
        """Each order has a reverse-path of its own (VERP), so each is greylisted anew."""
        sender = f"orders+{self.world.pace.random.randrange(10_000, 100_000)}@{self.domain}"
        return Mail(sender, (self.recipient,), self.signed(self.write()))


class Bulk(Sender):
    """A newsletter that pipelines (RFC 2920) and sends several messages in one session."""

    domain = "letters.example"
    hosts = at(mail="127.0.12.1")
    spf = "mx -all"
    dmarc = "p=reject"
    keys = ("rsa2048",)
    every = 8
    subject = "This week in the garden"

    def mail(self) -> Mail:
        """With the fields that one-click unsubscription needs (RFC 8058)."""
        message = self.write(
            Precedence="bulk",
            List_Unsubscribe=f"<https://{self.domain}/unsubscribe>",
            List_Unsubscribe_Post="List-Unsubscribe=One-Click",
        )
        return Mail(f"bounces@{self.domain}", (self.recipient,), self.signed(message))

    async def turn(self) -> None:
        """Three messages, one session."""
        async with self.connected() as client:
            await client.reply()
            await self.greet(client)
            for _ in range(3):
                await self.transact(client, self.mail())
            await client.quit()

    async def transact(self, client: Client, mail: Mail) -> Reply:
        """MAIL, RCPT and DATA in one packet; the content only after a 354."""
        *_, reply = await client.pipeline(
            f"MAIL FROM:<{mail.sender}> SIZE={len(mail.content)}",
            *(f"RCPT TO:<{recipient}>" for recipient in mail.recipients),
            "DATA",
        )
        return await client.content(mail.content) if reply.code == 354 else reply


class Umlaut(Sender):
    """An internationalized sender: SMTPUTF8 (RFC 6531) and a domain in A-labels in the DNS."""

    domain = "xn--bcher-kva.example"
    hosts = at(mail="127.0.13.1")
    spf = "ip4:127.0.13.1 -all"
    dmarc = "p=reject"
    keys = ("rsa2048",)

    @property
    def address(self) -> str:
        """The domain as U-labels."""
        return "grüße@bücher.example"

    def mail(self) -> Mail:
        """In UTF-8 all through, header included."""
        message = self.signed(self.write(Subject="Neue Bücher im Frühling"))
        return Mail(self.address, (self.recipient,), message, " BODY=8BITMIME SMTPUTF8")


GOOD = (Citizen, Patient, Bulk, Umlaut)
