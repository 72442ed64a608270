"""How a client speaks SMTP."""

from __future__ import annotations

from monitor.findings.catalogue.entry import Entry

ENTRIES: dict[str, Entry] = {
    "conduct.data-after-no-recipients": Entry(
        "notice",
        "DATA though every recipient was refused",
        "Software that does not read replies; harmless by itself, common with bulk mailers.",
        "Send RSET or QUIT when no RCPT was accepted.",
        "RFC 5321 3.3",
    ),
    "conduct.ignored-rejection": Entry(
        "warning",
        "Went on after a permanent refusal",
        "Software that does not read replies: typical of bots and of scripts.",
        "Send QUIT after a 5xx reply to the greeting, EHLO or MAIL.",
        "RFC 5321 3.1",
    ),
    "conduct.ignored-shutdown": Entry(
        "warning",
        "Went on after 421",
        "The client writes without reading; each such session ties up a slot.",
        "Close the connection at a 421 reply, and try again later.",
        "RFC 5321 3.8",
    ),
    "conduct.early-talker": Entry(
        "warning",
        "Spoke before the greeting",
        "Few real mail servers do this, most bots do. With conduct.early_talker you may refuse it.",
        "Wait for the 220 greeting before the first command.",
        "RFC 5321 4.3.1",
    ),
    "conduct.unannounced-pipelining": Entry(
        "warning",
        "Pipelined without leave",
        "The client fires its commands without reading replies: bots do, old appliances too.",
        "Send commands in groups only where EHLO offered PIPELINING, and never beyond DATA.",
        "RFC 2920 3.1",
    ),
    "conduct.no-quit": Entry(
        "info",
        "Dropped the connection without QUIT",
        "Rude and common. It tells nothing by itself.",
        "End a session with QUIT, and wait for its reply.",
        "RFC 5321 4.1.1.10",
    ),
    "conduct.bad-sequence": Entry(
        "notice",
        "Commands out of sequence",
        "Broken software, or somebody who tries what your server puts up with.",
        "Keep the order EHLO, MAIL, RCPT, DATA.",
        "RFC 5321 4.1.4",
    ),
    "conduct.unknown-commands": Entry(
        "notice",
        "Commands that SMTP does not know",
        "A scanner, or a client that believes in extensions that were not offered.",
        "Send commands of RFC 5321, and of extensions that EHLO offered, only.",
        "RFC 5321 4.2.4",
    ),
    "conduct.not-smtp": Entry(
        "warning",
        "The client does not speak SMTP",
        "A browser, a proxy or a scanner, perhaps a web page that was made to talk to your port "
        "25.",
        "Check what connects to this port: it is a mail server.",
        "RFC 5321 3.1",
    ),
    "conduct.bare-newline": Entry(
        "warning",
        "Bare CR or LF",
        "Old software on a system with other line ends, or a probe for smuggling. Leave "
        "conduct.bare_newline at refuse.",
        "End every line with CRLF, and send CR and LF in no other way.",
        "RFC 5321 2.3.8",
    ),
    "conduct.smuggling": Entry(
        "error",
        "Attempt to smuggle a message",
        "Somebody tried to hide a second message in the first one. It did not reach your mail "
        "server; look who it was.",
        "End data with CRLF.CRLF only; if this was no attack, mend the line ends of the software.",
        "RFC 5321 4.1.1.4",
    ),
    "conduct.line-too-long": Entry(
        "notice",
        "Line too long",
        "Broken software or a probe for overflows; some servers cut such lines, which breaks "
        "signatures.",
        "Keep command lines to 512 octets and lines of text to 1000, with their CRLF.",
        "RFC 5321 4.5.3.1",
    ),
    "conduct.null-byte": Entry(
        "notice",
        "NUL octet",
        "Binary content sent as text, or a probe; many filters see nothing behind the NUL.",
        "Encode binary content: a NUL octet is not text.",
        "RFC 5322 4",
    ),
    "conduct.8bit-unannounced": Entry(
        "notice",
        "8-bit content without BODY=8BITMIME",
        "Common, and harmless where your server takes 8BITMIME anyway; a relay that converts "
        "breaks the signature.",
        "Announce 8-bit content with BODY=8BITMIME, or encode it.",
        "RFC 6152 3",
    ),
    "conduct.helo-syntax": Entry(
        "notice",
        "EHLO name is neither a host name nor an address literal",
        "A host whose name nobody set: home routers, infected machines and hasty installations.",
        "Introduce the host by its fully-qualified domain name.",
        "RFC 5321 4.1.1.1",
    ),
    "conduct.helo-mismatch": Entry(
        "info",
        "EHLO name does not resolve to the client",
        "A weak sign by itself: a standard forbids refusing mail for it.",
        "Give the EHLO name an address record of this host.",
        "RFC 5321 4.1.4",
    ),
    "conduct.helo-is-us": Entry(
        "error",
        "EHLO claims our own name",
        "Nobody but you is you: a bot, or one of your own machines that comes by the wrong way.",
        "Introduce the host by its own name.",
        "RFC 5321 4.1.1.1",
    ),
}
