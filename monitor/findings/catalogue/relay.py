"""Lists, and the relay's own troubles."""

from __future__ import annotations

from monitor.findings.catalogue.entry import Entry

_OURS = "Nothing: the trouble is on our side; keep the mail queued and try again later."

ENTRIES: dict[str, Entry] = {
    "list.banned": Entry(
        "notice",
        "Banned",
        "Ask the postmaster of the receiving side to lift the ban.",
        "RFC 5321 7.9",
    ),
    "list.allowed": Entry("info", "On the allow list", "", "RFC 5321 7.9"),
    "relay.upstream-down": Entry("error", "The mail server behind is down", _OURS, "RFC 5321 3.8"),
    "relay.upstream-timeout": Entry(
        "error", "The mail server behind did not answer", _OURS, "RFC 5321 4.5.3.2"
    ),
    "relay.check-failed": Entry(
        "warning", "A check failed", "Nothing: the trouble is on our side.", "RFC 5321 7.8"
    ),
    "relay.too-large": Entry(
        "warning",
        "The message is too large",
        "Keep messages below the SIZE that EHLO offers.",
        "RFC 1870 6",
    ),
    "relay.limit": Entry(
        "notice",
        "A limit of the relay was reached",
        "Open fewer connections, and send less in each.",
        "RFC 5321 4.5.3.1",
    ),
    "relay.commit-unknown": Entry(
        "warning",
        "It is unknown whether the message was taken",
        "Nothing: the trouble is on our side; the message may arrive twice.",
        "RFC 1047 2",
    ),
    "relay.accepted-unacknowledged": Entry(
        "warning",
        "Accepted, but the client was gone before it heard so",
        "Wait 10 minutes for the reply to the final dot: the message is likely to come twice.",
        "RFC 1047 2",
    ),
}
