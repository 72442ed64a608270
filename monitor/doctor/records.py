"""What a domain of ours says in the DNS of the mail that it takes and sends."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from monitor.config import Settings
from monitor.doctor.check import Check, Subject
from monitor.events import Finding
from monitor.findings import spf
from monitor.findings.answers import Ask, ask_all
from monitor.findings.catalogue import CATALOGUE
from monitor.findings.dkim.record import KeyFault, key_record
from monitor.findings.dmarc.consent import unauthorised
from monitor.findings.dmarc.evaluate import Evaluation, evaluate
from monitor.findings.mailbox import Authors
from monitor.text import printable, unescape

__all__ = [
    "STRANGER",
    "check_dkim",
    "check_dmarc",
    "check_exists",
    "check_mx",
    "check_spf",
    "mx_hosts",
]

STRANGER = "192.0.2.1"  # RFC 5737: nobody sends from there
MAX_HOSTS = 10
GOOD_BITS = 2_048
_OF_THE_SENDER = ("spf.mx-not-sender",)  # findings that are not about the record


def mx_hosts(domain: str, ask: Ask) -> tuple[str, ...]:
    """The MX hosts of a domain, the most preferred first; none for a null MX.

    Raises NeedAnswer.
    """
    pairs = [record.split(" ", 1) for record in ask(domain, "MX").records]
    hosts = sorted((int(preference), host) for preference, host in pairs if host != ".")
    return tuple(host for _, host in hosts[:MAX_HOSTS])


def check_exists(domain: str, ask: Ask) -> list[Check]:
    """One error for a domain that does not exist at all. Raises NeedAnswer."""
    if ask(domain, "MX").status != "nxdomain":
        return []
    mend = "Have it delegated, or take it out of local_domains."
    return [Subject(domain).error("name", "the domain does not exist (NXDOMAIN)", mend)]


def check_mx(domain: str, name: str, ask: Ask) -> list[Check]:
    """Where mail for ``domain`` goes; ``name`` is the relay's own. Raises NeedAnswer."""
    say = Subject(domain)
    answer = ask(domain, "MX")
    if answer.failed:
        return [_unanswered(say, "MX", f"{domain} MX")]
    if not answer.records:
        mend = f"Publish an MX record for {domain} that names {name}."
        return [say.error("MX", "no MX record", mend)]
    hosts = mx_hosts(domain, ask)
    if not hosts:
        mend = "Take the null MX away if the domain is to get mail, or the domain out of the list."
        return [say.error("MX", "null MX: the domain takes no mail (RFC 7505)", mend)]
    found: list[Check] = []
    for host, ipv4, ipv6 in zip(
        hosts,
        ask_all(ask, [(host, "A") for host in hosts]),
        ask_all(ask, [(host, "AAAA") for host in hosts]),
        strict=True,
    ):
        if ipv4.failed and ipv6.failed:
            found.append(_unanswered(say, "MX", f"{host} A"))
        elif ipv4.canonical not in ("", host):
            mend = f"Name {ipv4.canonical} in the MX record: RFC 5321 5.1 allows no CNAME there."
            found.append(say.warning("MX", f"{host} is a CNAME", mend))
        elif not ipv4.records and not ipv6.records:
            mend = f"Give {host} an address record, or take it out of the MX records."
            found.append(say.error("MX", f"{host} has no address", mend))
    if found:
        return found
    seen = ", ".join(hosts)
    if name not in hosts:
        seen += f" (this relay is {name})"
    return [say.ok("MX", seen)]


def check_spf(domain: str, name: str, ask: Ask) -> list[Check]:
    """Its SPF record, as it is applied to an address of nobody. Raises NeedAnswer."""
    say = Subject(domain)
    result = spf.check(STRANGER, name, f"postmaster@{domain}", ask)
    main = result.findings[0]
    record = str(main.evidence.get("record") or "")
    faults = [each for each in result.findings[1:] if each.code not in _OF_THE_SENDER]
    found = [_from(say, "SPF", each) for each in faults]
    match result.result:
        case "fail" | "softfail":
            return found or [say.ok("SPF", record)]
        case "pass" if not found:
            mend = "Name the hosts that send, and end the record with -all or ~all."
            return [say.error("SPF", f"anybody passes: {record}", mend)]
        case "none":
            mend = f"Publish a TXT record at {domain} that starts with v=spf1 and names who sends."
            return [say.warning("SPF", "no SPF record", mend)]
        case "neutral" if not found:
            mend = "End the record with -all or ~all, so that it says who may not send."
            return [say.notice("SPF", f"it takes no stand: {record}", mend)]
        case "temperror":
            return [_unanswered(say, "SPF", f"{domain} TXT")]
    return found or [_from(say, "SPF", main)]


def check_dkim(domain: str, selectors: Sequence[str], ask: Ask) -> list[Check]:
    """The keys of the selectors that are known. Raises NeedAnswer."""
    say = Subject(domain)
    if not selectors:
        return [say.skipped("DKIM", "no selector is known", "Name yours with --selector.")]
    names = [f"{selector}._domainkey.{domain}" for selector in selectors]
    return [
        _key(say, answer.name, answer.records, answer.failed)
        for answer in ask_all(ask, [(name, "TXT") for name in names])
    ]


def _key(say: Subject, name: str, records: Sequence[str], failed: bool) -> Check:
    if failed:
        return _unanswered(say, "DKIM", f"{name} TXT")
    if len(records) != 1:
        mend = f"Publish one key record at {name}."
        return say.error("DKIM", f"{len(records)} records at {name}", mend)
    try:
        key = key_record(unescape(records[0]))
    except KeyFault as fault:
        return say.error("DKIM", f"{name}: {fault.detail}", "Publish the key of the signer anew.")
    told = f"{name}: {key.kind}" + (f", {key.bits} bits" if key.kind == "rsa" else "")
    longer = f"Sign with a key of {GOOD_BITS} bits at least, under a new selector."
    if key.public is None:
        return say.error("DKIM", told, longer)
    if key.kind == "rsa" and key.bits < GOOD_BITS:
        return say.warning("DKIM", told, longer)
    if key.testing:
        mend = "Take t=y out of the key record: it asks receivers to ignore the signatures."
        return say.notice("DKIM", f"{told}, in testing", mend)
    return say.ok("DKIM", told)


def check_dmarc(domain: str, settings: Settings, ask: Ask) -> list[Check]:
    """Its DMARC policy, and where reports about it go. Raises NeedAnswer."""
    say = Subject(domain)
    found = evaluate(Authors((domain,)), "", False, (), ask)
    if found.result == "temperror":
        return [_unanswered(say, "DMARC", f"_dmarc.{domain} TXT")]
    record = found.record
    if record is None:
        mend = f"Publish a TXT record at _dmarc.{domain}, such as v=DMARC1; p=none; rua=mailto:…"
        return [*_faults(say, found), say.warning("DMARC", "no DMARC record", mend)]
    checks = [
        *_faults(say, found),
        *(
            say.warning(
                "DMARC",
                f"{other} has not agreed to get reports about {found.found_at}",
                f"Have {found.found_at}._report._dmarc.{other} published there.",
            )
            for other in unauthorised(found, ask)
        ),
        *_reports(say, found, settings),
    ]
    text = printable(record.text, 300)
    if found.policy == "none":
        mend = "Go on to p=quarantine or p=reject once the reports show that all mail passes."
        checks.append(say.notice("DMARC", f"nothing is asked for: {text}", mend))
    return checks or [say.ok("DMARC", text)]


def _faults(say: Subject, found: Evaluation) -> Iterator[Check]:
    for fault in found.faults:
        yield say.error("DMARC", printable(fault, 200), CATALOGUE["dmarc.record-syntax"].advice)


def _reports(say: Subject, found: Evaluation, settings: Settings) -> Iterator[Check]:
    rua = found.record.rua if found.record else ()
    if not rua:
        yield say.notice("DMARC", "no reports are asked for", "Add rua=mailto: to the record.")
    ours = {domain.lower() for domain in settings.local_domains}
    collected = {address.lower() for address in settings.report_addresses}
    for address, domain in rua:
        if domain in ours and address.lower() not in collected:
            mend = f"Add {address} to report_addresses, so that mxtap knows reports from mail."
            yield say.notice("DMARC", f"reports go to {address}", mend)


def _from(say: Subject, name: str, found: Finding) -> Check:
    """A finding about a sender, where the sender is us."""
    tell = {"error": say.error, "warning": say.warning}.get(found.severity, say.notice)
    return tell(name, f"{found.title}: {found.detail}", CATALOGUE[found.code].advice)


def _unanswered(say: Subject, name: str, question: str) -> Check:
    return say.warning(name, f"no answer for {question}", "Make every name server of it answer.")
