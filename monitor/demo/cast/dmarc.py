"""DMARC (RFC 9989): policies, their faults, and mail that took a detour."""

from __future__ import annotations

from monitor.demo.cast.good import Citizen
from monitor.demo.letter import Mail
from monitor.demo.sender import Sender, at


class Watcher(Sender):
    """Has watched with p=none for years, and never took the next step."""

    domain = "watcher.example"
    hosts = at(mail="127.0.60.1")
    spf = "ip4:127.0.60.1 -all"
    dmarc = "p=none; rua=mailto:dmarc@watcher.example"
    keys = ("rsa2048",)


class Outsourced(Sender):
    """Has its reports sent to a domain that never agreed to take them (RFC 9990)."""

    domain = "outsourced.example"
    hosts = at(mail="127.0.61.1")
    spf = "ip4:127.0.61.1 -all"
    dmarc = "p=quarantine; rua=mailto:reports@analytics.example"
    keys = ("rsa2048",)


class Slip(Sender):
    """Its DMARC record asks for a policy that does not exist."""

    domain = "slip.example"
    hosts = at(mail="127.0.62.1")
    spf = "ip4:127.0.62.1 -all"
    dmarc = "p=rejct; adkim=strict"
    keys = ("rsa2048",)


class TwoAuthors(Sender):
    """Writes From twice, with two domains: no policy can apply."""

    domain = "twoauthors.example"
    hosts = at(mail="127.0.63.1")
    spf = "ip4:127.0.63.1 -all"
    dmarc = "p=reject"

    def mail(self) -> Mail:
        """The other From belongs to somebody else."""
        other = f"From: news@{Citizen.domain}\r\n".encode()
        return Mail(self.address, (self.recipient,), other + self.write())


class Spoofer(Sender):
    """Claims to be somebody else: neither SPF nor DKIM speaks for the author's domain."""

    domain = "spoofer.example"
    hosts = at(mail="127.0.64.1")
    spf = "ip4:127.0.64.1 -all"
    subject = "Your account will be closed"

    def mail(self) -> Mail:
        """In the name of the good citizen."""
        author = f"Accounts <accounts@{Citizen.domain}>"
        return Mail(self.address, (self.recipient,), self.write(From=author))


class Forwarder(Sender):
    """Forwards mail as it came, reverse-path and all: SPF fails, and DKIM saves it."""

    domain = "alumni.example"
    hosts = at(mail="127.0.65.1")
    spf = "ip4:127.0.65.1 -all"

    def mail(self) -> Mail:
        """The good citizen's mail, which passed by here."""
        citizen = Citizen(self.world)
        return citizen.mail()._replace(recipients=(self.recipient,))


class MailingList(Sender):
    """A mailing list: it tags the subject and adds a footer, and the author's DKIM breaks."""

    domain = "lists.example"
    hosts = at(mail="127.0.66.1")
    spf = "ip4:127.0.66.1 -all"
    dmarc = "p=none"
    keys = ("rsa2048",)
    recipient = "members@home.example"

    def post(self) -> bytes:
        """What a member wrote, as the list passes it on, not yet signed by the list."""
        message = Citizen(self.world).signed(
            Citizen(self.world).write(To=f"garden@{self.domain}", Subject="Slugs again")
        )
        listed = message.replace(b"\r\nSubject: ", b"\r\nSubject: [garden] ")
        fields = f"List-Id: Gardeners <garden.{self.domain}>\r\nPrecedence: list\r\n"
        footer = f"_______________\r\ngarden mailing list\r\nhttps://{self.domain}/garden\r\n"
        return fields.encode() + listed + footer.encode()

    def mail(self) -> Mail:
        """Signed by the list; the author stays in From."""
        return Mail(f"garden-bounces@{self.domain}", (self.recipient,), self.signed(self.post()))


DMARC = (Watcher, Outsourced, Slip, TwoAuthors, Spoofer, Forwarder, MailingList)
