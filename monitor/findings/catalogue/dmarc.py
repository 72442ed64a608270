"""DMARC (RFC 9989) and ARC (RFC 8617)."""

from __future__ import annotations

from monitor.findings.catalogue.entry import Entry

ENTRIES: dict[str, Entry] = {
    "dmarc.pass": Entry("good", "DMARC pass", "", "RFC 9989 5.3.5"),
    "dmarc.fail": Entry(
        "error",
        "DMARC fail",
        "Sign with DKIM as the From domain, or pass SPF with a reverse-path of that domain.",
        "RFC 9989 5.3.5",
    ),
    "dmarc.none": Entry(
        "notice",
        "No DMARC record",
        "Publish a TXT record at _dmarc of the From domain.",
        "RFC 9989 4.10.1",
    ),
    "dmarc.temperror": Entry(
        "notice",
        "DMARC could not be checked for now",
        "Make every name server of the From domain answer, and in time.",
        "RFC 9989 5.3.6",
    ),
    "dmarc.permerror": Entry(
        "error",
        "DMARC cannot be evaluated",
        "Send with one From field that names one valid domain, and publish one DMARC record.",
        "RFC 9989 5.3.1",
    ),
    "dmarc.spf-failed-dkim-saved": Entry(
        "notice",
        "DMARC passes by DKIM alone",
        "Make SPF pass too, with a reverse-path of the From domain: DKIM alone breaks in transit.",
        "RFC 9989 4.4",
    ),
    "dmarc.list-broke-it": Entry(
        "notice",
        "A mailing list broke the author's signature",
        "Let the list leave signed fields and body alone, rewrite From, or seal with ARC.",
        "RFC 7960 4.1.3",
    ),
    "dmarc.policy-none": Entry(
        "info",
        "DMARC policy is none",
        "Move to p=quarantine or p=reject when the aggregate reports show no mail that would fail.",
        "RFC 9989 4.7",
    ),
    "dmarc.report-unauthorised": Entry(
        "warning",
        "DMARC reports go to a domain that did not agree",
        "Let the report receiver publish its consent below _report._dmarc, or change rua=.",
        "RFC 9990 4",
    ),
    "dmarc.record-syntax": Entry(
        "error",
        "DMARC record is broken",
        "Correct the tag of the DMARC record that is quoted here.",
        "RFC 9989 4.8",
    ),
    "arc.pass": Entry("good", "ARC chain valid", "", "RFC 8617 5.2"),
    "arc.fail": Entry(
        "notice",
        "ARC chain broken",
        "Seal after every change of the message, and publish the sealing key.",
        "RFC 8617 5.2",
    ),
    "arc.none": Entry("info", "No ARC chain", "", "RFC 8617 4.4"),
}
