"""DKIM (RFC 6376): weak keys, broken signatures, and signatures by somebody else."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from typing import ClassVar

from monitor.demo.sender import Sender, at
from monitor.demo.signing import HEADERS, sign


class OldKey(Sender):
    """Signs with the 1024-bit key of many years ago."""

    domain = "oldkey.example"
    hosts = at(mail="127.0.40.1")
    spf = "ip4:127.0.40.1 -all"
    dmarc = "p=reject"
    keys = ("rsa1024",)


class ShortKey(Sender):
    """Signs with 512 bits, which anybody can break in a night (RFC 8301 3.2)."""

    domain = "shortkey.example"
    hosts = at(mail="127.0.41.1")
    spf = "ip4:127.0.41.1 -all"
    keys = ("rsa512",)


class Footer(Sender):
    """A gateway behind the signer adds a footer: the body hash is broken."""

    domain = "footer.example"
    hosts = at(mail="127.0.42.1")
    spf = "ip4:127.0.42.1 -all"
    keys = ("rsa2048",)

    def signed(self, message: bytes) -> bytes:
        """Sign, then append."""
        return super().signed(message) + b"\r\nChecked for viruses by our gateway.\r\n"


class Tagger(Sender):
    """A gateway behind the signer marks the subject: the signature is broken."""

    domain = "tagger.example"
    hosts = at(mail="127.0.43.1")
    spf = "ip4:127.0.43.1 -all"
    keys = ("rsa2048",)

    def signed(self, message: bytes) -> bytes:
        """Sign, then change a signed field."""
        return super().signed(message).replace(b"\r\nSubject: ", b"\r\nSubject: [external] ")


class Garbled(Sender):
    """A rewriting rule took the d= tag out of its signature field."""

    domain = "garbled.example"
    hosts = at(mail="127.0.44.1")
    spf = "ip4:127.0.44.1 -all"
    keys = ("rsa2048",)

    def signed(self, message: bytes) -> bytes:
        """Sign, then break the field's syntax."""
        return super().signed(message).replace(b" d=garbled.example;", b"", 1)


class Signer(Sender):
    """Signs once, with RSA-2048, in a manner of its own."""

    signer: ClassVar[str] = ""  # d=, "" for its own domain
    selector: ClassVar[str] = "rsa2048"
    algorithm: ClassVar[str] = "rsa-sha256"
    headers: ClassVar[Sequence[str]] = HEADERS
    tags: ClassVar[Sequence[str]] = ()

    def signed(self, message: bytes) -> bytes:
        """``message`` with that signature."""
        return sign(
            message,
            self.world.keys["rsa2048"],
            self.signer or self.domain,
            self.selector,
            algorithm=self.algorithm,
            headers=self.headers,
            tags=dict(tag.split("=", 1) for tag in self.tags),
        )


class Unplanted(Signer):
    """Signs with a key that it never published."""

    domain = "unplanted.example"
    hosts = at(mail="127.0.45.1")
    spf = "ip4:127.0.45.1 -all"


class Revoked(Signer):
    """Signs with a key that it has revoked: p= is empty (RFC 6376 3.6.1)."""

    domain = "revoked.example"
    hosts = at(mail="127.0.46.1")
    spf = "ip4:127.0.46.1 -all"
    records = 'rsa2048._domainkey TXT "v=DKIM1; k=rsa; p="'


class Miscopied(Signer):
    """Cut its key off when copying it into the DNS."""

    domain = "miscopied.example"
    hosts = at(mail="127.0.47.1")
    spf = "ip4:127.0.47.1 -all"
    records = 'rsa2048._domainkey TXT "v=DKIM1; k=rsa; p=MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMII"'


class Looping(Signer):
    """The name of its key is an alias of itself: no lookup of it ends."""

    domain = "looping.example"
    hosts = at(mail="127.0.48.1")
    spf = "ip4:127.0.48.1 -all"
    records = "rsa2048._domainkey CNAME rsa2048._domainkey"


class Expired(Signer):
    """Its signatures have expired before they are made: a clock is wrong."""

    domain = "expired.example"
    hosts = at(mail="127.0.49.1")
    spf = "ip4:127.0.49.1 -all"
    keys = ("rsa2048",)
    tags = ("t=1700000000", "x=1700600000")


class Sha1(Signer):
    """Signs with rsa-sha1, which RFC 8301 forbids."""

    domain = "sha1.example"
    hosts = at(mail="127.0.50.1")
    spf = "ip4:127.0.50.1 -all"
    keys = ("rsa2048",)
    algorithm = "rsa-sha1"


class Lengthy(Signer):
    """Signs the beginning of the body only (l=): anybody may append to it."""

    domain = "lengthy.example"
    hosts = at(mail="127.0.51.1")
    spf = "ip4:127.0.51.1 -all"
    keys = ("rsa2048",)
    text = "A body of which every octet is signed, and yet l= is there."
    tags = (f"l={len(text) + 2}",)

    def write(self, **fields: str) -> bytes:
        """One line of text."""
        return super().write(**{"text": self.text, **fields})


class Rehearsal(Signer):
    """Has been testing DKIM for years (t=y)."""

    domain = "rehearsal.example"
    hosts = at(mail="127.0.52.1")
    spf = "ip4:127.0.52.1 -all"
    keys = ("rsa2048",)
    key_tags = "; t=y"


class Unlocked(Signer):
    """Its zone is not signed with DNSSEC: whoever forges an answer forges the key."""

    domain = "unlocked.example"
    hosts = at(mail="127.0.57.1")
    spf = "ip4:127.0.57.1 -all"
    keys = ("rsa2048",)
    dnssec = False


class Anonymous(Signer):
    """Signs all but From, the one field that must be signed (RFC 6376 5.4)."""

    domain = "anonymous.example"
    hosts = at(mail="127.0.53.1")
    spf = "ip4:127.0.53.1 -all"
    keys = ("rsa2048",)
    headers = HEADERS[1:]


class Notary(Sender):
    """Signs each message a dozen times over, more than anybody will look at."""

    domain = "notary.example"
    hosts = at(mail="127.0.56.1")
    spf = "ip4:127.0.56.1 -all"
    keys = ("ed25519",)

    def signed(self, message: bytes) -> bytes:
        """Twelve signatures by one key."""
        for _ in range(12):
            message = super().signed(message)
        return message


class Service(Sender):
    """A mailing service, with mail of its own for once."""

    domain = "esp.example"
    hosts = at(mail="127.0.54.1")
    spf = "ip4:127.0.54.0/24 -all"
    dmarc = "p=reject"
    keys = ("rsa2048",)


class Customer(Signer):
    """Sends through the mailing service, which signs in its own name only."""

    domain = "customer.example"
    hosts = at(mail="127.0.54.2")
    spf = "include:esp.example -all"
    signer = Service.domain


class Licensed(Signer):
    """As the customer, but it has authorised the service's signatures (ATPS, RFC 6541 4)."""

    domain = "licensed.example"
    hosts = at(mail="127.0.54.3")
    spf = "include:esp.example -all"
    signer = Service.domain
    tags = ("atps=licensed.example", "atpsh=sha256")
    digest = base64.b32encode(hashlib.sha256(Service.domain.encode()).digest()).decode()
    records = f'{digest.rstrip("=")}._atps TXT "v=ATPS1; d={Service.domain}"'


DKIM: tuple[type[Sender], ...] = (
    OldKey,
    ShortKey,
    Footer,
    Tagger,
    Garbled,
    Unplanted,
    Revoked,
    Miscopied,
    Looping,
    Expired,
    Sha1,
    Lengthy,
    Rehearsal,
    Unlocked,
    Anonymous,
    Notary,
    Service,
    Customer,
    Licensed,
)
