"""Mail to wrong domains, from domains that cannot be answered, by hosts without a name."""

from __future__ import annotations

from monitor.demo import home
from monitor.demo.letter import Mail
from monitor.demo.sender import Sender, at


class Misdirected(Sender):
    """Writes to a host below our domain, which is not ours, and to one that takes no mail."""

    domain = "misdirected.example"
    hosts = at(mail="127.0.100.1")
    spf = "ip4:127.0.100.1 -all"
    keys = ("rsa2048",)
    every = 20
    retries = ()

    def mail(self) -> Mail:
        """To both of them, and to the one that is right."""
        wrong = (f"info@branch.{home.DOMAIN}", f"info@nomail.{home.DOMAIN}")
        return Mail(self.address, (*wrong, home.INFO), self.signed(self.write()))


class NoMx(Sender):
    """Its domain has no MX record; bounces would have to try its address."""

    domain = "nomx.example"
    hosts = at(mail="127.0.101.1")
    spf = "ip4:127.0.101.1 -all"
    mx = ""
    records = "@ A 127.0.101.1"


class NoReply(Sender):
    """Sends, and says by a null MX (RFC 7505) that it never takes an answer."""

    domain = "noreply.example"
    hosts = at(mail="127.0.102.1")
    spf = "ip4:127.0.102.1 -all"
    mx = "0 ."


class Unreachable(Sender):
    """Uses a reverse-path at a host that does not exist: bounces have nowhere to go."""

    domain = "unreachable.example"
    hosts = at(mail="127.0.103.1")
    spf = "ip4:127.0.103.1 -all"

    @property
    def address(self) -> str:
        """A web server's own name, unknown outside."""
        return f"www-data@web3.internal.{self.domain}"


class Misnamed(Sender):
    """Its address points to a name that does not point back, and it greets with a third."""

    domain = "misnamed.example"
    hosts = at(mail="127.0.104.1")
    spf = "ip4:127.0.104.1 -all"
    pointers = False
    records = f"""
        1.104.0.127.in-addr.arpa.   PTR pool-104.misnamed.example.
        pool-104                    A   127.0.104.99
        other                       A   {home.ADDRESS}
        """

    @property
    def helo(self) -> str:
        """A name of another host."""
        return f"other.{self.domain}"


ROUTING = (Misdirected, NoMx, NoReply, Unreachable, Misnamed)
