"""The server behind: does it answer, does it hear who the client is, whom does it relay for?"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from monitor.config import Settings
from monitor.doctor.check import Check, Subject

__all__ = ["Meeting", "judge"]

_SAY = Subject("upstream")
_AUTHORIZE = (
    "Let the upstream take XCLIENT from this address: in Postfix "
    "smtpd_authorized_xclient_hosts, as packaging/postfix/master.cf has it."
)


class Meeting(msgspec.Struct, frozen=True, kw_only=True):
    """One session with the upstream, without a message; replies are printable."""

    fault: str = ""  # why there was no session, or how it broke off
    banner: str = ""
    keywords: tuple[str, ...] = ()  # of its EHLO reply, in capitals
    identity: str = ""  # its reply where it was told who the client is
    identified: bool = False  # and it took that
    relays: bool | None = None  # would it take mail for a foreign domain? None: it was not asked


def judge(own: Meeting, stranger: Meeting | None, settings: Settings) -> Iterator[Check]:
    """What two sessions tell: one as mxtap itself, one as a client of a foreign network.

    ``stranger`` is None where ``settings.identity`` has no way to be one.
    """
    if own.fault:
        mend = "Start the mail server behind mxtap, or set upstream to where it listens."
        yield _SAY.error("reachable", f"{settings.upstream} {own.fault}", mend)
        return
    if not own.banner.startswith("220"):
        mend = "Let the upstream greet mxtap's address with 220: its own log says why it does not."
        yield _SAY.error("reachable", own.banner, mend)
        return
    yield _SAY.ok("reachable", own.banner)
    known = bool(stranger and stranger.identified)
    yield _identity(own, stranger, settings)
    if stranger and stranger.relays is not None:
        yield _open_relay(stranger.relays)
    if own.relays is not None:
        yield _trust(own.relays, known)
    if settings.tls.upstream != "off":
        yield _tls("STARTTLS" in own.keywords, settings.tls.upstream)


def _identity(own: Meeting, stranger: Meeting | None, settings: Settings) -> Check:
    wanted = settings.identity
    offered = any(word.startswith("XCLIENT") for word in own.keywords)
    if wanted == "none":
        seen = 'identity = "none"' + (", though it offers XCLIENT" if offered else "")
        mend = 'Set identity = "auto", so that the upstream sees the client and not mxtap.'
        return _SAY.warning("identity", seen, mend)
    if stranger and stranger.identified:
        how = "the PROXY protocol" if wanted == "proxy" else "XCLIENT"
        return _SAY.ok("identity", f"takes {how}: {stranger.identity}")
    why = (stranger.identity or stranger.fault) if stranger else "it was not asked"
    if wanted == "proxy":
        mend = "Let the upstream expect the PROXY protocol (version 2) on this port."
        return _SAY.error("identity", f"does not take the PROXY protocol: {why}", mend)
    if offered:
        return _SAY.error("identity", f"offers XCLIENT and refuses it: {why}", _AUTHORIZE)
    tell = _SAY.error if wanted == "xclient" else _SAY.warning
    return tell("identity", f'no XCLIENT for this address, identity = "{wanted}"', _AUTHORIZE)


def _open_relay(relays: bool) -> Check:
    if not relays:
        return _SAY.ok("open relay", "refuses a foreign domain to a foreign client")
    seen = "takes mail for a foreign domain from a foreign client"
    mend = "Let the upstream refuse foreign domains to clients that it does not know."
    return _SAY.error("open relay", seen, mend)


def _trust(relays: bool, known: bool) -> Check:
    if not relays:
        return _SAY.ok("trust", "does not relay for mxtap's own address")
    mend = (
        "Take mxtap's address out of the trusted networks of this port: in Postfix mynetworks, "
        "as packaging/postfix/master.cf has it."
    )
    if known:
        seen = "would relay to anywhere for mxtap's own address, if identity were lost"
        return _SAY.warning("trust", seen, mend)
    seen = "relays to anywhere for mxtap's own address, and sees every client under it"
    return _SAY.error("trust", seen, mend)


def _tls(offered: bool, wanted: str) -> Check:
    if offered:
        return _SAY.ok("STARTTLS", f'offered; tls.upstream = "{wanted}"')
    tell = _SAY.error if wanted == "require" else _SAY.notice
    mend = 'Let the upstream offer STARTTLS, or set tls.upstream = "off" where it is on this host.'
    return tell("STARTTLS", f'not offered; tls.upstream = "{wanted}"', mend)
