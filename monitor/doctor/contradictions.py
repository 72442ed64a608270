"""Settings that are valid one by one, and do not go together."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from monitor.config import Settings, split_address
from monitor.doctor.check import Check, Subject

__all__ = ["judge"]

GIB = 1 << 30
DOT = 600  # seconds; RFC 5321 4.5.3.2.6
COMMAND = 300  # seconds; RFC 5321 4.5.3.2.7

_SAY = Subject("settings")


def judge(settings: Settings, upstream_greylists: bool = False) -> Iterator[Check]:
    """``upstream_greylists``: the upstream's own greylisting was seen in history."""
    found = [
        *_identity(settings),
        *_messages(settings),
        *_times(settings),
        *_policies(settings, upstream_greylists),
        *_kept(settings),
        *_dns(settings),
    ]
    yield from found or [_SAY.ok("together", "no two of them contradict each other")]


def _identity(settings: Settings) -> Iterator[Check]:
    exposed = not all(_is_loopback(address) for address in settings.listen)
    if settings.identity == "none" and exposed:
        mend = "Set identity, and take mxtap's address out of the upstream's trusted networks."
        yield _SAY.error(
            "identity", "listens on the network and hides every client: identity = none", mend
        )
    if settings.upstream in settings.listen:
        yield _SAY.error("upstream", "upstream is mxtap's own address", "Give the real MTA's.")
    for network in settings.proxy_from:
        if ipaddress.ip_network(network, strict=False).prefixlen == 0:
            mend = "Name the proxies only: whoever is in proxy_from may claim any address."
            yield _SAY.error("proxy_from", f"everybody is trusted: {network}", mend)
    if not settings.local_domains:
        mend = "List the domains that get their mail here: mail for wrong ones is told by them."
        yield _SAY.notice("local_domains", "no domain of ours is known", mend)


def _messages(settings: Settings) -> Iterator[Check]:
    limits, conduct = settings.limits, settings.conduct
    if limits.message_size > limits.spool_total:
        mend = "Raise limits.spool_total, or lower limits.message_size."
        yield _SAY.error("limits", "one message may be larger than all that are in hand", mend)
    if conduct.bare_newline == "pass":
        mend = "Set it to refuse, or see that the upstream refuses bare newlines from mxtap too."
        yield _SAY.error(
            "conduct", 'bare_newline = "pass" lets smuggled mail reach the upstream', mend
        )
    if conduct.bare_newline == "fix":
        mend = "Set it to refuse where no sender needs it."
        yield _SAY.notice("conduct", 'bare_newline = "fix" breaks some DKIM signatures', mend)
    if conduct.greet_delay > COMMAND / 2:
        mend = "Lower it: senders wait 5 minutes for the greeting (RFC 5321 4.5.3.2.1)."
        yield _SAY.error("conduct", f"greet_delay = {conduct.greet_delay:g} s", mend)


def _times(settings: Settings) -> Iterator[Check]:
    limits = settings.limits
    if limits.upstream_dot < DOT:
        mend = f"Wait {DOT} s: what is cut off earlier may arrive twice (RFC 5321 4.5.3.2.6)."
        yield _SAY.warning("limits", f"upstream_dot = {limits.upstream_dot:g} s", mend)
    if limits.command_timeout < COMMAND:
        mend = f"Wait {COMMAND} s for a command (RFC 5321 4.5.3.2.7)."
        yield _SAY.notice("limits", f"command_timeout = {limits.command_timeout:g} s", mend)
    if limits.session_timeout < limits.data_total:
        mend = "Let session_timeout be longer than data_total."
        yield _SAY.warning("limits", "a session ends before its message may", mend)
    if settings.checks.deadline < settings.dns.timeout:
        mend = "Let checks.deadline be longer than dns.timeout."
        yield _SAY.notice("checks", "one slow DNS answer uses up the time of all checks", mend)


def _policies(settings: Settings, upstream_greylists: bool) -> Iterator[Check]:
    greylist = settings.greylist
    if greylist.mode == "enforce" and upstream_greylists:
        mend = "Greylist in one place: turn the upstream's off, or set greylist.mode = observe."
        yield _SAY.warning("greylist", "mxtap and the upstream both defer new senders", mend)
    if greylist.mode != "off" and greylist.retry_window <= greylist.delay:
        mend = "Let greylist.retry_window be days, and greylist.delay minutes."
        yield _SAY.error("greylist", "a retry is forgotten before it would pass", mend)
    if greylist.mode == "enforce" and greylist.remember < greylist.retry_window:
        mend = "Remember those who passed longer than those who wait."
        yield _SAY.warning("greylist", "remember is shorter than retry_window", mend)


def _kept(settings: Settings) -> Iterator[Check]:
    capture = settings.capture
    if capture.mode == "full" and capture.disk_floor < max(GIB, settings.limits.spool_total):
        mend = "Raise capture.disk_floor to limits.spool_total at least."
        yield _SAY.warning(
            "capture", "whole messages may fill the disk that mail in hand needs", mend
        )
    if capture.mode == "full" and not capture.keep_days:
        mend = "Set capture.keep_days: other people's mail should not be kept for good."
        yield _SAY.warning("capture", "whole messages are kept for ever", mend)


def _dns(settings: Settings) -> Iterator[Check]:
    server = settings.dns.server
    if settings.dns.trust_ad and server and not _is_loopback(server):
        mend = "Believe the AD bit of a resolver on this machine only, or validate here."
        yield _SAY.warning("dns", f"trust_ad believes {server} over the network", mend)
    if settings.tls.enabled and settings.tls.minimum in ("TLSv1", "TLSv1.1"):
        mend = "Set tls.minimum = TLSv1.2 (RFC 8996), unless a sender that you need lags behind."
        yield _SAY.notice("tls", f"{settings.tls.minimum} is accepted", mend)


def _is_loopback(text: str) -> bool:
    host, _ = split_address(text)
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
