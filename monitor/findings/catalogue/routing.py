"""Where mail and its bounces can go, and the client's name in the DNS."""

from __future__ import annotations

from monitor.findings.catalogue.entry import Entry

ENTRIES: dict[str, Entry] = {
    "route.recipient-not-ours": Entry(
        "warning",
        "The recipient's domain looks like one of ours, but is none",
        "One of your correspondents has your domain wrong, or somebody mails a look-alike.",
        "Check the domain of the recipient's address.",
        "RFC 5321 5.1",
    ),
    "route.recipient-no-mx": Entry(
        "notice",
        "The recipient's domain has no MX record",
        "Mail for this domain goes to its address record, if at all: a typing error more often "
        "than a choice.",
        "Check the domain of the recipient's address: nobody set it up for mail.",
        "RFC 5321 5.1",
    ),
    "route.recipient-null-mx": Entry(
        "warning",
        "The recipient's domain takes no mail",
        "Nobody can ever get this mail.",
        "Do not send there: the domain's null MX says that it takes no mail.",
        "RFC 7505 3",
    ),
    "route.sender-no-mx": Entry(
        "notice",
        "The sender's domain has no MX record",
        "Bounces go to the domain's address record; often nobody listens there.",
        "Publish an MX record, so that bounces arrive.",
        "RFC 5321 5.1",
    ),
    "route.sender-null-mx": Entry(
        "warning",
        "The sender's domain takes no mail",
        "The sender cannot be answered and does not want to be: a bounce would stay with you.",
        "Send with a reverse-path whose domain takes bounces, not with one of a null MX.",
        "RFC 7505 4.2",
    ),
    "route.sender-unreachable": Entry(
        "warning",
        "Bounces could not be delivered",
        "A bounce to this address would stay in your queue for days. Refuse at SMTP time, and do "
        "not bounce later.",
        "Send with a reverse-path whose domain exists and has an address.",
        "RFC 5321 5.1",
    ),
    "rdns.none": Entry(
        "warning",
        "The client's address has no name",
        "Large receivers refuse such hosts outright; a home line or a hasty installation.",
        "Publish a PTR record for the address of this host.",
        "RFC 1912 2.1",
    ),
    "rdns.mismatch": Entry(
        "notice",
        "The client's name does not point back to its address",
        "The name was set on one side only, so it proves nothing about who runs this host.",
        "Give the PTR name an address record of this host.",
        "RFC 8601 2.7.3",
    ),
}
