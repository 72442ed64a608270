"""STARTTLS and what came of it."""

from __future__ import annotations

from monitor.findings.catalogue.entry import Entry

ENTRIES: dict[str, Entry] = {
    "tls.ok": Entry(
        "good", "Encrypted", "Nobody on the way could read this mail.", "", "RFC 3207 4"
    ),
    "tls.none": Entry(
        "notice",
        "Never asked for STARTTLS",
        "This mail crossed the Internet as a postcard though your server offered an envelope.",
        "Use STARTTLS where EHLO offers it.",
        "RFC 3207 4",
    ),
    "tls.no-shared-cipher": Entry(
        "error",
        "No cipher in common",
        "Compare both lists in the evidence: is the client old, or is your list too narrow "
        "(tls.ciphers, tls.minimum)?",
        "Offer TLS 1.2 or 1.3 with current cipher suites.",
        "RFC 9325 4.2",
    ),
    "tls.handshake-failed": Entry(
        "warning",
        "TLS handshake failed",
        "The alert says why. Many from different senders: look at your own certificate first.",
        "Look at the alert, and update the TLS software or its settings.",
        "RFC 3207 4",
    ),
    "tls.plaintext-fallback": Entry(
        "error",
        "Fell back to plaintext after a failed handshake",
        "Who stands on the way can force this; a policy of MTA-STS or DANE for your domain would "
        "forbid it.",
        "Mend TLS: the same mail went out unencrypted.",
        "RFC 9325 3.2",
    ),
    "tls.old-protocol": Entry(
        "warning",
        "Outdated TLS version",
        "Encrypted, in a way that is known to break. Raising tls.minimum shuts such senders out, "
        "or drives them to plaintext.",
        "Use TLS 1.2 or 1.3: versions 1.0 and 1.1 must not be used.",
        "RFC 8996 4",
    ),
    "tls.weak-cipher": Entry(
        "warning",
        "Weak cipher",
        "Encrypted, without forward secrecy or with a broken cipher: recorded mail may be read "
        "later.",
        "Offer cipher suites with forward secrecy and AEAD.",
        "RFC 9325 4.1",
    ),
    "tls.mta-sts-would-refuse": Entry(
        "warning",
        "An enforced MTA-STS policy would stop this mail",
        "If your policy were enforced, a sender that honours it would not have delivered this. "
        "Count these before you enforce.",
        "Deliver over TLS that works, before the policy is enforced.",
        "RFC 8461 5",
    ),
    "tls.starttls-injection": Entry(
        "error",
        "Bytes behind STARTTLS",
        "Somebody tried to put commands into the encrypted part; they were thrown away.",
        "Send nothing behind STARTTLS before its reply; if this was no attack, mend the client.",
        "RFC 3207 4.2",
    ),
}
