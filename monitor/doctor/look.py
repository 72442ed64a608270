"""What is seen on this machine: the state folder, the disk, the certificate, the running relay."""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import suppress
from pathlib import Path

from monitor.config import ConfigError, Settings
from monitor.control.client import SocketFeed
from monitor.control.feed import FeedError
from monitor.control.protocol import Status
from monitor.doctor.certificate import Files
from monitor.doctor.database import Shared
from monitor.doctor.machine import Folder, Machine
from monitor.hub.search import page
from monitor.relay.certificate import Certificate
from monitor.store import StoreError
from monitor.store.reading import Reading

__all__ = ["certificate", "greylists", "machine", "shared"]

TIMEOUT = 2.0  # seconds for the control socket
PATIENCE = 1.0  # seconds for a look through history


async def machine(settings: Settings) -> Machine:
    """The machine as it is now."""
    status = await _status(settings.state)
    return Machine(
        now=time.time(),
        folders=_folders(settings.state),
        free=_free(settings.state),
        newest=await asyncio.to_thread(_newest, settings.state),
        status=status,
    )


async def _status(state: Path) -> Status | None:
    feed = SocketFeed(state)
    try:
        async with asyncio.timeout(TIMEOUT):
            return await feed.start()
    except (FeedError, TimeoutError):
        return None
    finally:
        await feed.close()


def _folders(state: Path) -> tuple[Folder, ...]:
    try:
        paths = [state, *sorted(state.iterdir())]
    except OSError:
        paths = [state]
    found = []
    for path in paths:
        with suppress(OSError):
            seen = path.lstat()
            found.append(Folder(path=str(path), mode=seen.st_mode & 0o7777, owner=seen.st_uid))
    return tuple(found)


def _free(state: Path) -> int | None:
    for folder in (state, *state.absolute().parents):
        with suppress(OSError):
            found = os.statvfs(folder)
            return found.f_bavail * found.f_frsize
    return None


def _newest(state: Path) -> float | None:
    with suppress(StoreError):
        reading = Reading(state)
        try:
            for record in reading.past.slice("ended", True, None, 1)[0]:
                return record.ended.timestamp()
        finally:
            reading.close()
    return None


def greylists(state: Path) -> bool:
    """Whether the upstream's own greylisting is in the history of late."""
    with suppress(StoreError):
        reading = Reading(state)
        try:
            query = "finding:greylist.deferred"
            records = page(reading.past, limit=500, query=query, patience=PATIENCE).records
        finally:
            reading.close()
        return any(
            found.code.startswith("greylist.") and found.evidence.get("whose") == "upstream"
            for record in records
            for found in record.findings
        )
    return False


def certificate(settings: Settings) -> Files:
    """The certificate and key that the relay would show, as it would read them."""
    tls = settings.tls
    if not tls.enabled:
        return Files(enabled=False)
    path = tls.certificate or settings.state / "tls" / "cert.pem"
    if tls.certificate is None and not path.exists():
        return Files()
    try:
        loaded = Certificate(tls, settings.state, settings.name)
        loaded.close()
        return Files(problem=loaded.problem, pem=path.read_bytes())
    except (ConfigError, OSError) as error:
        return Files(fault=str(error))


def shared(settings: Settings) -> Shared:
    """The database that relays share, which is left as it is."""
    try:
        from monitor.store.shared import relays  # its driver is not everybody's
        from monitor.store.shared.connection import Error, reason
    except StoreError as error:
        return Shared(fault=str(error))
    try:
        seen = relays.look(settings.database)
    except StoreError as error:
        return Shared(refused=str(error))
    except Error as error:
        return Shared(fault=reason(error))
    own = ""
    with suppress(StoreError):
        reading = Reading(settings.state)
        own = reading.origin
        reading.close()
    others = tuple(r.name for r in seen.relays if r.serves and r.origin != own)
    return Shared(schema=seen.schema, writable=seen.writable, others=others)
