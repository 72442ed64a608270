"""How a client speaks SMTP."""

from __future__ import annotations

from monitor.findings.catalogue.entry import Entry

ENTRIES: dict[str, Entry] = {
    "conduct.data-after-no-recipients": Entry(
        "notice",
        "DATA though every recipient was refused",
        "Send RSET or QUIT when no RCPT was accepted.",
        "RFC 5321 3.3",
    ),
    "conduct.ignored-rejection": Entry(
        "warning",
        "Went on after a permanent refusal",
        "Send QUIT after a 5xx reply to the greeting, EHLO or MAIL.",
        "RFC 5321 3.1",
    ),
    "conduct.ignored-shutdown": Entry(
        "warning",
        "Went on after 421",
        "Close the connection at a 421 reply, and try again later.",
        "RFC 5321 3.8",
    ),
    "conduct.early-talker": Entry(
        "warning",
        "Spoke before the greeting",
        "Wait for the 220 greeting before the first command.",
        "RFC 5321 4.3.1",
    ),
    "conduct.unannounced-pipelining": Entry(
        "warning",
        "Pipelined without leave",
        "Send commands in groups only where EHLO offered PIPELINING, and never beyond DATA.",
        "RFC 2920 3.1",
    ),
    "conduct.no-quit": Entry(
        "info",
        "Dropped the connection without QUIT",
        "End a session with QUIT, and wait for its reply.",
        "RFC 5321 4.1.1.10",
    ),
    "conduct.bad-sequence": Entry(
        "notice",
        "Commands out of sequence",
        "Keep the order EHLO, MAIL, RCPT, DATA.",
        "RFC 5321 4.1.4",
    ),
    "conduct.unknown-commands": Entry(
        "notice",
        "Commands that SMTP does not know",
        "Send commands of RFC 5321, and of extensions that EHLO offered, only.",
        "RFC 5321 4.2.4",
    ),
    "conduct.not-smtp": Entry(
        "warning",
        "The client does not speak SMTP",
        "Check what connects to this port: it is a mail server.",
        "RFC 5321 3.1",
    ),
    "conduct.bare-newline": Entry(
        "warning",
        "Bare CR or LF",
        "End every line with CRLF, and send CR and LF in no other way.",
        "RFC 5321 2.3.8",
    ),
    "conduct.smuggling": Entry(
        "error",
        "Attempt to smuggle a message",
        "End data with CRLF.CRLF only; if this was no attack, mend the line ends of the software.",
        "RFC 5321 4.1.1.4",
    ),
    "conduct.line-too-long": Entry(
        "notice",
        "Line too long",
        "Keep command lines to 512 octets and lines of text to 1000, with their CRLF.",
        "RFC 5321 4.5.3.1",
    ),
    "conduct.null-byte": Entry(
        "notice", "NUL octet", "Encode binary content: a NUL octet is not text.", "RFC 5322 4"
    ),
    "conduct.8bit-unannounced": Entry(
        "notice",
        "8-bit content without BODY=8BITMIME",
        "Announce 8-bit content with BODY=8BITMIME, or encode it.",
        "RFC 6152 3",
    ),
    "conduct.helo-syntax": Entry(
        "notice",
        "EHLO name is neither a host name nor an address literal",
        "Introduce the host by its fully-qualified domain name.",
        "RFC 5321 4.1.1.1",
    ),
    "conduct.helo-mismatch": Entry(
        "info",
        "EHLO name does not resolve to the client",
        "Give the EHLO name an address record of this host.",
        "RFC 5321 4.1.4",
    ),
    "conduct.helo-is-us": Entry(
        "error",
        "EHLO claims our own name",
        "Introduce the host by its own name.",
        "RFC 5321 4.1.1.1",
    ),
}
