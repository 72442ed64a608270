"""SPF: the results of RFC 7208, and faults of the record itself."""

from __future__ import annotations

from monitor.findings.catalogue.entry import Entry

ENTRIES: dict[str, Entry] = {
    "spf.pass": Entry(
        "good",
        "SPF pass",
        "The domain in the reverse-path stands for this client; a ban or an allowance of the "
        "domain can rest on it.",
        "",
        "RFC 7208 2.6.3",
    ),
    "spf.neutral": Entry(
        "info",
        "SPF neutral",
        "The domain says nothing about this client: judge the mail as if there were no SPF.",
        "End the SPF record with ~all or -all, so that it says which hosts may not send.",
        "RFC 7208 2.6.2",
    ),
    "spf.softfail": Entry(
        "warning",
        "SPF softfail",
        "The domain says that this client is probably not its own, without asking you to refuse "
        "it.",
        "Add this host to the SPF record of the domain, or send through a host that it lists.",
        "RFC 7208 2.6.5",
    ),
    "spf.fail": Entry(
        "error",
        "SPF fail",
        "The domain says that this client may not send in its name: forged, forwarded, or an SPF "
        "record that nobody keeps.",
        "Add this host to the SPF record of the domain, or send through a host that it lists.",
        "RFC 7208 2.6.4",
    ),
    "spf.none": Entry(
        "notice",
        "No SPF record",
        "Anybody can put this domain into a reverse-path; a bounce to it may hit somebody who "
        "sent nothing.",
        "Publish a TXT record that starts with v=spf1 and names the hosts that send.",
        "RFC 7208 2.6.1",
    ),
    "spf.temperror": Entry(
        "notice",
        "SPF could not be checked for now",
        "The sender's name servers did not answer in time. One of these is weather; many are a "
        "broken zone.",
        "Make every name server of the domain answer, and in time.",
        "RFC 7208 2.6.6",
    ),
    "spf.permerror": Entry(
        "error",
        "SPF record cannot be evaluated",
        "SPF neither proves nor disproves this sender until its postmaster mends the record.",
        "Mend the SPF record: until then receivers must treat it as broken.",
        "RFC 7208 2.6.7",
    ),
    "spf.mx-not-sender": Entry(
        "warning",
        "SPF authorises the MX hosts, which did not send this",
        "A fault of setting-up and no forgery: the domain listed the hosts that receive its mail, "
        "and sends by others.",
        "Put the hosts that send into the SPF record: mx names only those that receive.",
        "RFC 7208 5.4",
    ),
    "spf.too-many-lookups": Entry(
        "error",
        "SPF record needs over 10 DNS lookups",
        "Receivers stop counting at different places, so this mail passes with some and fails "
        "with others.",
        "Cut include, a, mx, ptr, exists and redirect down to 10 in all, nested ones counted.",
        "RFC 7208 4.6.4",
    ),
    "spf.void-lookups": Entry(
        "warning",
        "SPF record asks for names that do not exist",
        "The record points at names that are gone; whoever registers one of them may send for the "
        "domain.",
        "Remove the terms of the SPF record whose names have no records.",
        "RFC 7208 4.6.4",
    ),
    "spf.multiple-records": Entry(
        "error",
        "More than one SPF record",
        "Receivers must treat the domain as broken: a pass elsewhere is luck.",
        "Merge the SPF records of the domain into one.",
        "RFC 7208 4.5",
    ),
    "spf.plus-all": Entry(
        "warning",
        "SPF record lets the whole Internet send",
        "A pass means nothing: every host of the Internet passes for this domain.",
        "Replace +all by ~all or -all, and name the hosts that send.",
        "RFC 7208 5.1",
    ),
    "spf.ptr-used": Entry(
        "notice",
        "SPF record uses ptr",
        "Each check of this domain costs you reverse lookups, at name servers that the client "
        "chooses.",
        "Replace the ptr mechanism by ip4, ip6 or a: it is slow and must not be published.",
        "RFC 7208 5.5",
    ),
    "spf.record-syntax": Entry(
        "error",
        "SPF record has a syntax error",
        "The record was edited by hand and not tried; what stands behind the fault is not looked "
        "at.",
        "Correct the term of the SPF record that is quoted here.",
        "RFC 7208 4.6",
    ),
}
