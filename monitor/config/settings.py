"""Everything that can be set, in one frozen model."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Literal

from pydantic import Field

from monitor.config.tables import (
    Address,
    Capture,
    Checking,
    Conduct,
    Dns,
    Greylist,
    History,
    Limits,
    Log,
    Metrics,
    Network,
    Retry,
    Table,
    Tls,
)


class Settings(Table):
    """Everything that can be set."""

    state: Path = Field(default_factory=lambda: default_state())
    name: str = Field(default_factory=lambda: socket.getfqdn() or "localhost")
    listen: tuple[Address, ...] = ("127.0.0.1:2525",)
    user: str = ""  # root binds the ports, and then becomes this user for good
    group: str = ""  # "" for the user's own
    allow_root: bool = False  # serve as root outside of a container
    upstream: Address = "127.0.0.1:10025"
    identity: Literal["auto", "xclient", "proxy", "none"] = "auto"
    proxy_from: tuple[Network, ...] = ()  # who may speak the PROXY protocol to us
    local_domains: tuple[str, ...] = ()
    report_addresses: tuple[str, ...] = ()  # where our own domains collect reports (rua=)
    themes: Path | None = None  # a folder of themes; None for the user's own
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
