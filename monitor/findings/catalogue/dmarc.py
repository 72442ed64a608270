"""DMARC (RFC 9989) and ARC (RFC 8617)."""

from __future__ import annotations

from monitor.findings.catalogue.entry import Entry

ENTRIES: dict[str, Entry] = {
    "dmarc.pass": Entry(
        "good",
        "DMARC pass",
        "The domain in From is proved; an allowance of that domain counts for this message.",
        "",
        "RFC 9989 5.3.5",
    ),
    "dmarc.fail": Entry(
        "error",
        "DMARC fail",
        "Neither SPF nor DKIM proves the domain in From. The policy in the evidence says what its "
        "owner asks you to do.",
        "Sign with DKIM as the From domain, or pass SPF with a reverse-path of that domain.",
        "RFC 9989 5.3.5",
    ),
    "dmarc.none": Entry(
        "notice",
        "No DMARC record",
        "The owner of the domain asks for nothing; anybody may use it in From.",
        "Publish a TXT record at _dmarc of the From domain.",
        "RFC 9989 4.10.1",
    ),
    "dmarc.temperror": Entry(
        "notice",
        "DMARC could not be checked for now",
        "The policy could not be fetched in time: nothing was decided.",
        "Make every name server of the From domain answer, and in time.",
        "RFC 9989 5.3.6",
    ),
    "dmarc.permerror": Entry(
        "error",
        "DMARC cannot be evaluated",
        "The policy cannot be read, or From does not name one domain; attackers like messages "
        "with two.",
        "Send with one From field that names one valid domain, and publish one DMARC record.",
        "RFC 9989 5.3.1",
    ),
    "dmarc.spf-failed-dkim-saved": Entry(
        "notice",
        "DMARC passes by DKIM alone",
        "The message is proved, by one leg of two. Forwarding looks like this, and so does a "
        "forgotten SPF record.",
        "Make SPF pass too, with a reverse-path of the From domain: DKIM alone breaks in transit.",
        "RFC 9989 4.4",
    ),
    "dmarc.list-broke-it": Entry(
        "notice",
        "A mailing list broke the author's signature",
        "Probably no forgery: a list changed what the author had signed. Refusing it hurts the "
        "list's readers.",
        "Let the list leave signed fields and body alone, rewrite From, or seal with ARC.",
        "RFC 7960 4.1.3",
    ),
    "dmarc.policy-none": Entry(
        "info",
        "DMARC policy is none",
        "The domain only watches: a failure is no reason to refuse.",
        "Move to p=quarantine or p=reject when the aggregate reports show no mail that would fail.",
        "RFC 9989 4.7",
    ),
    "dmarc.report-unauthorised": Entry(
        "warning",
        "DMARC reports go to a domain that did not agree",
        "Do not send reports there: the address belongs to somebody who did not ask for them.",
        "Let the report receiver publish its consent below _report._dmarc, or change rua=.",
        "RFC 9990 4",
    ),
    "dmarc.record-syntax": Entry(
        "error",
        "DMARC record is broken",
        "The domain meant to protect itself and does not: the record counts as absent or as the "
        "weaker one.",
        "Correct the tag of the DMARC record that is quoted here.",
        "RFC 9989 4.8",
    ),
    "arc.pass": Entry(
        "good",
        "ARC chain valid",
        "Each hop's account of what it verified is intact; it is worth what you think of those "
        "who sealed it.",
        "",
        "RFC 8617 5.2",
    ),
    "arc.fail": Entry(
        "notice",
        "ARC chain broken",
        "The account of the hops is broken and proves nothing; judge the message as if it had "
        "none.",
        "Seal after every change of the message, and publish the sealing key.",
        "RFC 8617 5.2",
    ),
    "arc.none": Entry(
        "info",
        "No ARC chain",
        "No intermediary told what it saw. That is no fault.",
        "",
        "RFC 8617 4.4",
    ),
}
