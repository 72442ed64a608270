"""Where mail and its bounces can go, and the client's name in the DNS."""

from __future__ import annotations

from monitor.findings.catalogue.entry import Entry

ENTRIES: dict[str, Entry] = {
    "route.recipient-not-ours": Entry(
        "warning",
        "The recipient's domain looks like one of ours, but is none",
        "Check the domain of the recipient's address.",
        "RFC 5321 5.1",
    ),
    "route.recipient-no-mx": Entry(
        "notice",
        "The recipient's domain has no MX record",
        "Check the domain of the recipient's address: nobody set it up for mail.",
        "RFC 5321 5.1",
    ),
    "route.recipient-null-mx": Entry(
        "warning",
        "The recipient's domain takes no mail",
        "Do not send there: the domain's null MX says that it takes no mail.",
        "RFC 7505 3",
    ),
    "route.sender-no-mx": Entry(
        "notice",
        "The sender's domain has no MX record",
        "Publish an MX record, so that bounces arrive.",
        "RFC 5321 5.1",
    ),
    "route.sender-null-mx": Entry(
        "warning",
        "The sender's domain takes no mail",
        "Send with a reverse-path whose domain takes bounces, not with one of a null MX.",
        "RFC 7505 4.2",
    ),
    "route.sender-unreachable": Entry(
        "warning",
        "Bounces could not be delivered",
        "Send with a reverse-path whose domain exists and has an address.",
        "RFC 5321 5.1",
    ),
    "rdns.none": Entry(
        "warning",
        "The client's address has no name",
        "Publish a PTR record for the address of this host.",
        "RFC 1912 2.1",
    ),
    "rdns.mismatch": Entry(
        "notice",
        "The client's name does not point back to its address",
        "Give the PTR name an address record of this host.",
        "RFC 8601 2.7.3",
    ),
}
