"""SPF (RFC 7208): one sender for each result, and for each fault of a record."""

from __future__ import annotations

from monitor.demo.sender import Sender, at


class MxListed(Sender):
    """Lists its MX hosts as senders; but those receive, and another host sends."""

    domain = "mxlisted.example"
    hosts = at(out="127.0.20.1", mail="127.0.20.2")
    spf = "mx -all"
    keys = ("rsa2048",)


class Stray(Sender):
    """Sends from a host that its record softly disowns."""

    domain = "stray.example"
    hosts = at(mail="127.0.21.1")
    spf = "ip4:127.0.21.128/25 ~all"


class Undecided(Sender):
    """Its record says that it says nothing."""

    domain = "undecided.example"
    hosts = at(mail="127.0.22.1")
    spf = "?all"


class OpenDoor(Sender):
    """Lets all the world send in its name."""

    domain = "opendoor.example"
    hosts = at(mail="127.0.23.1")
    spf = "+all"


class Collector(Sender):
    """Has an include for every service that it ever tried: more than ten lookups."""

    domain = "collector.example"
    hosts = at(mail="127.0.24.1")
    spf = " ".join(f"include:s{n}.collector.example" for n in range(1, 12)) + " -all"
    records = "\n".join(f's{n} TXT "v=spf1 ip4:127.0.24.{n + 100} -all"' for n in range(1, 12))


class Ghosts(Sender):
    """Its record names hosts that are long gone: three void lookups."""

    domain = "ghosts.example"
    hosts = at(mail="127.0.25.1")
    spf = "a:old.ghosts.example a:older.ghosts.example a:oldest.ghosts.example ip4:127.0.25.1 -all"


class TwoMinds(Sender):
    """Publishes two records, and so has none that counts."""

    domain = "twominds.example"
    hosts = at(mail="127.0.26.1")
    spf = "ip4:127.0.26.1 -all"
    records = '@ TXT "v=spf1 mx ~all"'


class Pointer(Sender):
    """Uses the ptr mechanism, which RFC 7208 5.5 asks not to."""

    domain = "pointer.example"
    hosts = at(mail="127.0.27.1")
    spf = "ptr -all"


class Typo(Sender):
    """Wrote ipv4 for ip4."""

    domain = "typo.example"
    hosts = at(mail="127.0.28.1")
    spf = "ipv4:127.0.28.1 -all"


class Bare(Sender):
    """Publishes nothing at all: no SPF, no DKIM, no DMARC, no PTR; and speaks no TLS."""

    domain = "bare.example"
    hosts = at(mail="127.0.29.1")
    pointers = False
    tls = False


class Brittle(Sender):
    """Its SPF and DMARC records are aliases that go round in a circle: no lookup ends."""

    domain = "brittle.example"
    hosts = at(mail="127.0.30.1")
    records = """
        bounce              CNAME spin.brittle.example.
        spin                CNAME bounce.brittle.example.
        k1._domainkey       CNAME spin.brittle.example.
        _dmarc              CNAME spin.brittle.example.
        """

    @property
    def address(self) -> str:
        """A reverse-path at the name whose record cannot be had."""
        return f"news@bounce.{self.domain}"


SPF = (
    MxListed,
    Stray,
    Undecided,
    OpenDoor,
    Collector,
    Ghosts,
    TwoMinds,
    Pointer,
    Typo,
    Bare,
    Brittle,
)
