"""Greylisting: ours, or the upstream's as its replies tell."""

from __future__ import annotations

from monitor.findings.catalogue.entry import Entry

ENTRIES: dict[str, Entry] = {
    "greylist.deferred": Entry(
        "info", "Greylisted: first attempt", "Try again after some minutes.", "RFC 6647 2"
    ),
    "greylist.too-early": Entry(
        "info",
        "Greylisted: tried again before the delay was over",
        "Wait longer between attempts.",
        "RFC 6647 2",
    ),
    "greylist.passed": Entry("good", "Greylisting passed", "", "RFC 6647 2"),
    "greylist.known": Entry("info", "Known to the greylist", "", "RFC 6647 2"),
    "greylist.auto-allowed": Entry(
        "good", "No longer greylisted: passed often enough", "", "RFC 6647 5"
    ),
    "greylist.timer-reset": Entry(
        "notice",
        "Greylisting started anew for another host",
        "Retry from the host that was deferred, or publish the pool in SPF.",
        "RFC 6647 5",
    ),
}
