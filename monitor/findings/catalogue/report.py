"""Messages that are reports."""

from __future__ import annotations

from monitor.findings.catalogue.entry import Entry

ENTRIES: dict[str, Entry] = {
    "report.dmarc": Entry(
        "info",
        "DMARC aggregate report",
        "Somebody tells you how mail in your name fared: feed it to your DMARC tool.",
        "",
        "RFC 9990 3.1",
    ),
    "report.tls": Entry(
        "info",
        "TLS report",
        "Somebody tells you how TLS to your hosts fared: a failure here is mail that reaches you "
        "late or not.",
        "",
        "RFC 8460 5",
    ),
    "report.arf": Entry(
        "info",
        "Abuse or failure report",
        "One of your users' messages was called abuse, or failed DMARC somewhere: look whom it "
        "names.",
        "",
        "RFC 5965 2",
    ),
    "report.loop": Entry(
        "notice",
        "Report to an address that collects reports",
        "A report about reports: two machines may write to each other for ever.",
        "Send reports with a null reverse-path, and no report about a report.",
        "RFC 3834 2",
    ),
    "report.refused": Entry(
        "warning",
        "A report was refused",
        "You publish an address for reports, and your mail server does not take them.",
        "Let the address that is published for reports accept them.",
        "RFC 9990 4",
    ),
}
