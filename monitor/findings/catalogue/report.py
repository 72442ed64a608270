"""Messages that are reports."""

from __future__ import annotations

from monitor.findings.catalogue.entry import Entry

ENTRIES: dict[str, Entry] = {
    "report.dmarc": Entry("info", "DMARC aggregate report", "", "RFC 9990 3.1"),
    "report.tls": Entry("info", "TLS report", "", "RFC 8460 5"),
    "report.arf": Entry("info", "Abuse or failure report", "", "RFC 5965 2"),
    "report.loop": Entry(
        "notice",
        "Report to an address that collects reports",
        "Send reports with a null reverse-path, and no report about a report.",
        "RFC 3834 2",
    ),
    "report.refused": Entry(
        "warning",
        "A report was refused",
        "Let the address that is published for reports accept them.",
        "RFC 9990 4",
    ),
}
