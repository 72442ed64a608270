"""This machine: its name and address in the DNS, resolver, clock, disk, and the relay on it."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence

import msgspec

from monitor.config import Settings, split_address
from monitor.control.protocol import Status
from monitor.doctor.check import Check, Subject
from monitor.findings import helo, identity
from monitor.findings.answers import Answer, Ask, ask_all

__all__ = [
    "Folder",
    "Machine",
    "check_address",
    "check_name",
    "check_resolver",
    "judge",
    "speaks_to",
]

DRIFT = 60.0  # seconds between two clocks that are told
MANY = 5
_BY_OTHERS = 0o077  # mode bits

_SAY = Subject("this machine")


class Folder(msgspec.Struct, frozen=True, kw_only=True):
    """A file or folder below the state folder. ``mode`` are the permission bits."""

    path: str
    mode: int
    owner: int


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen of it. Times are epoch seconds, sizes bytes."""

    now: float
    folders: tuple[Folder, ...] = ()  # the state folder first; empty where there is none
    free: int | None = None  # on the disk of the state folder
    web: float | None = None  # the clock of a web server that was asked
    newest: float | None = None  # when the last transaction of history ended
    status: Status | None = None  # of the relay that runs on the state folder


def speaks_to(settings: Settings) -> tuple[str, ...]:
    """The addresses of ``listen`` that name one host; without loopback and wildcards."""
    found = []
    for text in settings.listen:
        try:
            address = ipaddress.ip_address(split_address(text)[0])
        except ValueError:
            continue
        if not (address.is_loopback or address.is_unspecified):
            found.append(str(address))
    return tuple(found)


def check_name(name: str, ask: Ask) -> list[Check]:
    """The name by which the relay goes. Raises NeedAnswer."""
    if fault := helo.fault(name):
        mend = "Set name to this host's fully-qualified domain name."
        return [_SAY.warning("name", f"name = {name}: {fault}", mend)]
    answers = ask_all(ask, [(name, "A"), (name, "AAAA")])
    addresses = [record for answer in answers for record in answer.records]
    if addresses:
        return [_SAY.ok("name", f"{name}: {', '.join(addresses[:MANY])}")]
    if any(answer.failed for answer in answers):
        return [_SAY.warning("name", f"no answer for {name} A", "Make its name servers answer.")]
    mend = f"Give {name} an address record, or set name to the name that this host has."
    return [_SAY.warning("name", f"{name} has no address", mend)]


def check_address(ip: str, ask: Ask) -> Check:
    """Whether an address has a name that leads back to it. Raises NeedAnswer."""
    found = identity.check(ip, ask)
    name = f"PTR of {ip}"
    if found.confirmed:
        return _SAY.ok(name, str(found.name))
    if found.temporary:
        return _SAY.warning(name, "no answer", "Make the name servers of the reverse zone answer.")
    seen = found.findings[0].detail
    mend = "Have whoever owns the address publish its PTR record, with a name that leads back."
    return _SAY.warning(name, seen, mend)


def check_resolver(settings: Settings, root: Answer) -> Check:
    """Whether answers come, and come validated; ``root`` is the answer for the root's SOA."""
    if settings.dns.zone:
        return _SAY.skipped("resolver", f"all answers are from the file {settings.dns.zone}")
    server = settings.dns.server or "of the machine"
    if root.failed:
        mend = "Set dns.server to a resolver that answers: checks fail open without one."
        return _SAY.error("resolver", f"resolver {server}: {root.status}", mend)
    how = "mxtap validates" if settings.dns.dnssec == "local" else "the resolver validates"
    if root.secure:
        return _SAY.ok("resolver", f"resolver {server}; {how} DNSSEC")
    if settings.dns.dnssec == "local":
        mend = "Ask a resolver that passes signatures on, and see that dns.anchors is right."
        return _SAY.warning("resolver", f"resolver {server}: the root does not validate", mend)
    mend = 'Run a validating resolver on this machine, or set dns.dnssec = "local".'
    return _SAY.notice("resolver", f"resolver {server}: no word on DNSSEC that counts", mend)


def judge(machine: Machine, settings: Settings) -> Iterator[Check]:
    """What needs no DNS."""
    yield from _clock(machine)
    yield from _folders(machine.folders, settings)
    if machine.free is not None:
        yield _disk(machine.free, settings)
    yield from _relay(machine, settings)


def _clock(machine: Machine) -> Iterator[Check]:
    mend = "Keep the clock by NTP: certificates, DNSSEC, greylisting and retries depend on it."
    if machine.newest is not None and machine.newest > machine.now + DRIFT:
        ahead = machine.newest - machine.now
        yield _SAY.error("clock", f"history has mail from {ahead:.0f} s in the future", mend)
    elif machine.web is None:
        yield _SAY.skipped("clock", "there was no other clock to compare it with")
    elif abs(machine.web - machine.now) > DRIFT:
        off = machine.now - machine.web
        yield _SAY.warning("clock", f"{off:+.0f} s from a web server's of ours", mend)
    else:
        yield _SAY.ok("clock", "agrees with a web server's of ours")


def _folders(folders: Sequence[Folder], settings: Settings) -> Iterator[Check]:
    name, state = "state folder", settings.state
    if not folders:
        yield _SAY.skipped(name, f"{state} is not there yet: the first start makes it")
        return
    top, below = folders[0], folders[1:]
    readable = [each for each in below if each.mode & _BY_OTHERS]
    foreign = [each for each in below if each.owner != top.owner]
    if top.mode & _BY_OTHERS:
        seen = f"others may enter {state} ({top.mode:04o})"
        mend = f"chmod 0700 {state}: there is mail in it."
        if readable:
            shown = ", ".join(f"{each.path} {each.mode:04o}" for each in readable[:MANY])
            yield _SAY.error(name, f"{seen} and read {shown}", mend)
        else:
            yield _SAY.notice(name, seen, mend)
    if foreign:
        seen = ", ".join(each.path for each in foreign[:MANY])
        mend = f"chown -R to the relay's user: {state} belongs to user id {top.owner}."
        yield _SAY.warning(name, f"of another owner: {seen}", mend)
    if not top.mode & _BY_OTHERS and not foreign:
        yield _SAY.ok(name, f"{state}, for its owner only")


def _disk(free: int, settings: Settings) -> Check:
    wanted = settings.limits.spool_total
    if settings.capture.mode != "off":
        wanted += settings.capture.disk_floor
    seen = f"{_size(free)} free"
    mend = f"Make room: {_size(wanted)} are for messages in hand (limits.spool_total) and spare."
    if free < settings.limits.message_size:
        return _SAY.error("disk", seen, mend)
    return _SAY.warning("disk", seen, mend) if free < wanted else _SAY.ok("disk", seen)


def _relay(machine: Machine, settings: Settings) -> Iterator[Check]:
    status = machine.status
    if status is None:
        yield _SAY.skipped("relay", f"none runs on {settings.state}")
        return
    for problem in status.problems:
        yield _SAY.error("relay", problem, "See to it: the running relay says so itself.")
    if not status.problems:
        seen = f"runs, listens on {', '.join(status.listening)}, {status.sessions} sessions"
        yield _SAY.ok("relay", seen)


def _size(count: int) -> str:
    return f"{count / (1 << 30):.1f} GiB" if count >= 1 << 30 else f"{count / (1 << 20):.0f} MiB"
