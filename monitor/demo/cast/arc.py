"""ARC (RFC 8617): intermediaries that vouch for what they saw."""

from __future__ import annotations

from monitor.demo.cast.dmarc import MailingList
from monitor.demo.letter import Mail
from monitor.demo.sender import at
from monitor.demo.signing import seal


class SealingList(MailingList):
    """A mailing list that breaks DKIM as the other does, but seals what it had seen before."""

    domain = "sealed.example"
    hosts = at(mail="127.0.70.1")
    spf = "ip4:127.0.70.1 -all"
    dmarc = "p=reject"

    def mail(self) -> Mail:
        """With an ARC set on top."""
        seen = "dkim=pass header.d=citizen.example; spf=pass smtp.mailfrom=citizen.example"
        results = f"Authentication-Results: {self.domain}; {seen}\r\n".encode()
        key = self.world.keys["rsa2048"]
        sealed = seal(results + self.post(), key, self.domain, "rsa2048", self.domain)
        return Mail(f"garden-bounces@{self.domain}", (self.recipient,), self.signed(sealed))


class BrokenSeal(SealingList):
    """As the sealing list, but a virus filter adds its line when the seal is on."""

    domain = "brokenseal.example"
    hosts = at(mail="127.0.71.1")
    spf = "ip4:127.0.71.1 -all"

    def mail(self) -> Mail:
        """Sealed, then changed."""
        mail = super().mail()
        return mail._replace(content=mail.content + b"Checked for viruses.\r\n")


ARC = (SealingList, BrokenSeal)
