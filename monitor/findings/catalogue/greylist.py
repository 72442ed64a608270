"""Greylisting: ours, or the upstream's as its replies tell."""

from __future__ import annotations

from monitor.findings.catalogue.entry import Entry

ENTRIES: dict[str, Entry] = {
    "greylist.deferred": Entry(
        "info",
        "Greylisted: first attempt",
        "The first attempt of somebody new. A mail server comes back; many bots do not.",
        "Try again after some minutes.",
        "RFC 6647 2",
    ),
    "greylist.too-early": Entry(
        "info",
        "Greylisted: tried again before the delay was over",
        "The sender came back before its time and has to wait on; this alone is no fault.",
        "Wait longer between attempts.",
        "RFC 6647 2",
    ),
    "greylist.passed": Entry(
        "good",
        "Greylisting passed",
        "The sender waited as asked; it is known from now on.",
        "",
        "RFC 6647 2",
    ),
    "greylist.known": Entry(
        "info", "Known to the greylist", "Known from before: nothing is delayed.", "", "RFC 6647 2"
    ),
    "greylist.auto-allowed": Entry(
        "good",
        "No longer greylisted: passed often enough",
        "The sender passed so often that greylisting has nothing left to learn from it.",
        "",
        "RFC 6647 5",
    ),
    "greylist.timer-reset": Entry(
        "notice",
        "Greylisting started anew for another host",
        "The mail waits longer than the greylist meant: mxtap's own greylist knows pools, and "
        "would have let it pass.",
        "Retry from the host that was deferred, or publish the pool in SPF.",
        "RFC 6647 5",
    ),
}
