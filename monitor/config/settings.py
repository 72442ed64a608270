"""Everything that can be set, in one frozen model."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from monitor.config.database import Database
from monitor.config.judging import Conduct, Greylist, Retry
from monitor.config.tables import Capture, Checking, Dns, History, Limits, Log, Metrics, Tls
from monitor.config.values import Address, Network, Table


class Settings(Table):
    """Everything that can be set."""

    state: Path = Field(default_factory=lambda: default_state())
    """The folder of database, control socket, spool and captures."""
    database: Database = ""
    """A PostgreSQL database that several relays share, `postgresql+psycopg://USER@HOST/NAME`."""
    name: str = Field(default_factory=lambda: socket.getfqdn() or "localhost")
    """The host name that mxtap gives itself in its own replies."""
    listen: tuple[Address, ...] = ("127.0.0.1:2525",)
    """Where clients connect; the sockets of systemd go before it."""
    user: str = ""
    """Root binds the ports, and then becomes this user for good."""
    group: str = ""
    """Likewise; empty for the user's own."""
    allow_root: bool = False
    """Serve as root outside of a container."""
    workers: Annotated[int, Field(ge=1, le=64)] = 1
    """Processes that meet clients; one is enough for a few hundred messages a second."""
    upstream: Address = "127.0.0.1:10025"
    """The real MTA."""
    identity: Literal["auto", "xclient", "proxy", "none"] = "auto"
    """How the upstream hears who the client is; `auto` is XCLIENT where it is offered."""
    proxy_from: tuple[Network, ...] = ()
    """Networks whose hosts may speak the PROXY protocol to mxtap."""
    local_domains: tuple[str, ...] = ()
    """Our own domains; mail to look-alikes of them is told."""
    report_addresses: tuple[str, ...] = ()
    """Where our own domains collect reports (rua=)."""
    themes: Path | None = None
    """A folder of themes; without it, `themes` beside the user's key file."""
    tls: Tls = Tls()
    dns: Dns = Dns()
    checks: Checking = Checking()
    greylist: Greylist = Greylist()
    retry: Retry = Retry()
    limits: Limits = Limits()
    conduct: Conduct = Conduct()
    history: History = History()
    capture: Capture = Capture()
    log: Log = Log()
    metrics: Metrics = Metrics()


def default_state() -> Path:
    """``$STATE_DIRECTORY`` (systemd), else ``$XDG_STATE_HOME/mxtap``."""
    if given := os.environ.get("STATE_DIRECTORY"):
        return Path(given.split(":")[0])
    home = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(home) / "mxtap"
