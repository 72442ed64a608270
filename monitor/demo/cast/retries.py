"""What senders do after a 4xx or a 5xx, and should not."""

from __future__ import annotations

from monitor.demo import home
from monitor.demo.client import Reply
from monitor.demo.letter import Mail
from monitor.demo.sender import Sender, at


class _Orders(Sender):
    """Each letter has a reverse-path of its own, so that each is greylisted anew."""

    recipient = home.ORDERS
    subject = "Your invoice"
    every = 25

    def mail(self) -> Mail:
        """The next invoice."""
        sender = f"bill-{self.world.pace.random.randrange(10_000, 100_000)}@{self.domain}"
        return Mail(sender, (self.recipient,), self.signed(self.write()))


class Hasty(_Orders):
    """Greylisted, it tries six times within a minute, then never again."""

    domain = "hasty.example"
    hosts = at(mail="127.0.80.1")
    spf = "ip4:127.0.80.1 -all"
    dmarc = "p=reject"
    keys = ("rsa2048",)
    retries = (0, 0.02, 0.1, 0.1, 0.2)


class OneShot(_Orders):
    """Has no queue: what is deferred is lost."""

    domain = "oneshot.example"
    hosts = at(mail="127.0.81.1")
    spf = "ip4:127.0.81.1 -all"
    retries = ()


class Carousel(_Orders):
    """A pool that tries each time from another host: the greylist starts anew each time."""

    domain = "carousel.example"
    hosts = at(out1="127.0.82.1", out2="127.0.83.1", out3="127.0.84.1", out4="127.0.85.1")
    mx = "10 out1"
    spf = "ip4:127.0.82.1 ip4:127.0.83.1 ip4:127.0.84.1 ip4:127.0.85.1 -all"
    dmarc = "p=reject"
    keys = ("rsa2048",)

    async def queue(self, mail: Mail) -> Reply:
        """Each host once, and soon after the one before."""
        reply = Reply(0, ())
        for label in self.hosts:
            reply = await self.deliver(mail, label)
            if not reply.transient:
                break
            await self.world.pace.wait(0.4)
        return reply


class Deaf(Sender):
    """Does not take 550 for an answer: the mailbox is unknown, and it asks again and again."""

    domain = "deaf.example"
    hosts = at(mail="127.0.86.1")
    spf = "ip4:127.0.86.1 -all"
    keys = ("rsa2048",)
    recipient = f"sales@{home.DOMAIN}"
    every = 20

    async def queue(self, mail: Mail) -> Reply:
        """Three times within minutes, whatever the reply."""
        reply = await self.deliver(mail)
        for _ in range(2):
            await self.world.pace.wait(2)
            reply = await self.deliver(mail)
        return reply


RETRIES: tuple[type[Sender], ...] = (Hasty, OneShot, Carousel, Deaf)
