"""STARTTLS and what came of it."""

from __future__ import annotations

from monitor.findings.catalogue.entry import Entry

ENTRIES: dict[str, Entry] = {
    "tls.ok": Entry("good", "Encrypted", "", "RFC 3207 4"),
    "tls.none": Entry(
        "notice",
        "Never asked for STARTTLS",
        "Use STARTTLS where EHLO offers it.",
        "RFC 3207 4",
    ),
    "tls.no-shared-cipher": Entry(
        "error",
        "No cipher in common",
        "Offer TLS 1.2 or 1.3 with current cipher suites.",
        "RFC 9325 4.2",
    ),
    "tls.handshake-failed": Entry(
        "warning",
        "TLS handshake failed",
        "Look at the alert, and update the TLS software or its settings.",
        "RFC 3207 4",
    ),
    "tls.plaintext-fallback": Entry(
        "error",
        "Fell back to plaintext after a failed handshake",
        "Mend TLS: the same mail went out unencrypted.",
        "RFC 9325 3.2",
    ),
    "tls.old-protocol": Entry(
        "warning",
        "Outdated TLS version",
        "Use TLS 1.2 or 1.3: versions 1.0 and 1.1 must not be used.",
        "RFC 8996 4",
    ),
    "tls.weak-cipher": Entry(
        "warning",
        "Weak cipher",
        "Offer cipher suites with forward secrecy and AEAD.",
        "RFC 9325 4.1",
    ),
    "tls.mta-sts-would-refuse": Entry(
        "warning",
        "An enforced MTA-STS policy would stop this mail",
        "Deliver over TLS that works, before the policy is enforced.",
        "RFC 8461 5",
    ),
    "tls.starttls-injection": Entry(
        "error",
        "Bytes behind STARTTLS",
        "Send nothing behind STARTTLS before its reply; if this was no attack, mend the client.",
        "RFC 3207 4.2",
    ),
}
