"""Lists, and the relay's own troubles."""

from __future__ import annotations

from monitor.findings.catalogue.entry import Entry

_OURS = "Nothing: the trouble is on our side; keep the mail queued and try again later."

ENTRIES: dict[str, Entry] = {
    "list.banned": Entry(
        "notice",
        "Banned",
        "Your ban held. Lists tells who made it, why, and how often it held.",
        "Ask the postmaster of the receiving side to lift the ban.",
        "RFC 5321 7.9",
    ),
    "list.allowed": Entry(
        "info",
        "On the allow list",
        "Your allowance held: bans, greylisting and conduct were not applied.",
        "",
        "RFC 5321 7.9",
    ),
    "relay.upstream-down": Entry(
        "error",
        "The mail server behind is down",
        "Your mail server does not answer. Clients hear 421 and come again; nothing is lost.",
        _OURS,
        "RFC 5321 3.8",
    ),
    "relay.upstream-timeout": Entry(
        "error",
        "The mail server behind did not answer",
        "Your mail server hangs or is too busy. Clients hear 451 or 421 and come again.",
        _OURS,
        "RFC 5321 4.5.3.2",
    ),
    "relay.check-failed": Entry(
        "warning",
        "A check failed",
        "A fault of mxtap or out of time: the mail went on without this check. The log has more.",
        "Nothing: the trouble is on our side.",
        "RFC 5321 7.8",
    ),
    "relay.too-large": Entry(
        "warning",
        "The message is too large",
        "Larger than your server's SIZE or limits.message_size, the smaller of both.",
        "Keep messages below the SIZE that EHLO offers.",
        "RFC 1870 6",
    ),
    "relay.limit": Entry(
        "notice",
        "A limit of the relay was reached",
        "The evidence names the setting. One client: it is greedy; all of them: raise the limit.",
        "Open fewer connections, and send less in each.",
        "RFC 5321 4.5.3.1",
    ),
    "relay.commit-unknown": Entry(
        "warning",
        "It is unknown whether the message was taken",
        "The reply to the final dot was lost: your server's log knows whether it has the message. "
        "The client was told to try again.",
        "Nothing: the trouble is on our side; the message may arrive twice.",
        "RFC 1047 2",
    ),
    "relay.accepted-unacknowledged": Entry(
        "warning",
        "Accepted, but the client was gone before it heard so",
        "Your server has the message, the client does not know so: expect it a second time.",
        "Wait 10 minutes for the reply to the final dot: the message is likely to come twice.",
        "RFC 1047 2",
    ),
}
