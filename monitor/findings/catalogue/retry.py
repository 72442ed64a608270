"""How a sender tries again."""

from __future__ import annotations

from monitor.findings.catalogue.entry import Entry

ENTRIES: dict[str, Entry] = {
    "retry.after-permanent": Entry(
        "warning",
        "Tried again after a permanent refusal",
        "Your 5xx is not believed. Each further attempt costs you a connection; a ban ends it.",
        "Return the mail to its author at a 5xx reply, and do not send it again.",
        "RFC 5321 4.2.1",
    ),
    "retry.immediate": Entry(
        "error",
        "Tried again at once",
        "The sender does not queue. A list-washing script and a web form look like this.",
        "Queue the mail after a 4xx reply, and wait minutes before the next attempt.",
        "RFC 5321 4.5.4.1",
    ),
    "retry.too-soon": Entry(
        "warning",
        "Tried again too soon",
        "Greylisting and rate limits cost this sender more attempts than they should; it may run "
        "out of them.",
        "Wait some minutes after a 4xx reply, and up to 30 minutes after more of them.",
        "RFC 5321 4.5.4.1",
    ),
    "retry.rapid-fire": Entry(
        "error",
        "Many attempts within a minute",
        "All attempts are spent within a minute: what you defer, this sender loses. Its users "
        "will tell yours that you lost it.",
        "Space the attempts: let the wait grow with each 4xx reply.",
        "RFC 5321 4.5.4.1",
    ),
    "retry.gave-up": Entry(
        "warning",
        "Gave up too early",
        "The message is most likely lost, and its author may not know. Waiting tells which.",
        "Keep trying for 4 to 5 days before mail is returned.",
        "RFC 5321 4.5.4.1",
    ),
    "retry.host-rotation": Entry(
        "notice",
        "Tried again from another host",
        "A greylist that remembers single addresses starts anew at each attempt; one that knows "
        "pools does not.",
        "Retry from the host that was deferred, or from its network.",
        "RFC 6647 5",
    ),
    "retry.rotation-no-delay": Entry(
        "error",
        "Tried again at once from another host",
        "A farm of hosts that empties its queue against you: greylisting by address never lets it "
        "in.",
        "Do not answer a 4xx reply with the next host: wait, and retry from the same one.",
        "RFC 6647 5",
    ),
    "retry.disciplined": Entry(
        "good",
        "Delivered after a well-spaced retry",
        "This sender can be deferred without harm.",
        "",
        "RFC 5321 4.5.4.1",
    ),
}
