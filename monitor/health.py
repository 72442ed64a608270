"""How a relay fares: its status, what an operator should mend, and readings for metrics."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from monitor import __version__
from monitor.capture.writer import CaptureWriter
from monitor.config import Settings
from monitor.control.protocol import Process, Status
from monitor.hub import Hub


class Front(Protocol):
    """What meets the clients; see :class:`monitor.relay.front.Front`."""

    @property
    def addresses(self) -> Sequence[tuple[str, int]]: ...
    @property
    def sessions(self) -> int: ...
    @property
    def spooled(self) -> int: ...
    @property
    def upstream_up(self) -> bool | None: ...
    @property
    def identity(self) -> str: ...
    @property
    def processes(self) -> Sequence[Process]: ...
    @property
    def problems(self) -> Sequence[str]: ...


@dataclass(slots=True)
class Health:
    """Looks at the parts of a running relay; ``warning`` is what its start found."""

    settings: Settings
    hub: Hub
    front: Front
    capture: CaptureWriter | None
    warning: str = ""
    started: float = field(default_factory=time.time)

    def status(self) -> Status:
        """How the relay fares now."""
        settings, stats, now = self.settings, self.hub.stats, time.time()
        return Status(
            relay=settings.name,
            version=__version__,
            started=self.started,
            now=now,
            listening=tuple(shown(address) for address in self.front.addresses),
            upstream=settings.upstream,
            upstream_up=self.front.upstream_up,
            identity=self.front.identity or "none",
            dns=self._dns(),
            dns_up=stats.dns_up,
            greylist=settings.greylist.mode,
            capture=settings.capture.mode,
            disk_free=_disk_free(settings),
            sessions=self.front.sessions,
            transactions=stats.transactions,
            rate=stats.rate(now),
            accepted=stats.accepted,
            deferred=stats.deferred,
            refused=stats.refused,
            workers=tuple(self.front.processes),
            problems=tuple(problem for problem in self._problems() if problem),
        )

    def summary(self) -> str:
        """How the relay fares, in a sentence."""
        now = self.status()
        counts = (
            f"{now.sessions} sessions, {now.accepted} accepted, {now.deferred} deferred, "
            f"{now.refused} refused"
        )
        return "; ".join((counts, *now.problems))

    def readings(self) -> dict[str, tuple[str, Callable[[], float]]]:
        """What is in hand now, by the name of its metric: what it is, and its value."""
        front, writer = self.front, self.hub.store.writer
        readings: dict[str, tuple[str, Callable[[], float]]] = {
            "sessions_open": ("Sessions open now", lambda: front.sessions),
            "spool_bytes": ("Bytes of messages in hand", lambda: front.spooled),
            "store_queue": ("Rows of history that wait", lambda: writer.waiting),
            "store_dropped": ("Rows of history that were dropped", lambda: writer.dropped),
            "upstream_up": ("1 while the upstream answers", self._upstream_up),
            "failures": (
                "Failures in findings, policies and consumers",
                self.hub.failures.total,
            ),
        }
        if self.settings.workers > 1:
            readings |= {
                "workers_up": (
                    "Worker processes that serve",
                    lambda: sum(each.up for each in front.processes),
                ),
                "workers_replaced": (
                    "Times that another took a worker's place",
                    lambda: sum(each.replaced for each in front.processes),
                ),
                "events_dropped": (
                    "Events that workers could not tell",
                    lambda: sum(each.dropped for each in front.processes),
                ),
            }
        if shared := self.hub.store.shared:
            readings |= {
                "shared_up": ("1 while the shared database answers", lambda: shared.exchange.up),
                "shared_queue": ("Changes that wait for it", lambda: shared.telling.waiting),
                "shared_dropped": ("Changes that it never had", lambda: shared.telling.dropped),
            }
        return readings

    def _dns(self) -> str:
        return str(self.settings.dns.zone or self.settings.dns.server or "system")

    def _upstream_up(self) -> float:
        up = self.front.upstream_up
        return float("nan") if up is None else float(up)

    def _problems(self) -> list[str]:
        upstream = self.settings.upstream
        down = self.front.upstream_up is False
        problems = [
            f"upstream {upstream} does not answer" if down else self.warning,
            f"DNS {self._dns()} does not answer" if self.hub.stats.dns_up is False else "",
            *self.hub.store.problems,
            self.capture.problem if self.capture else "",
            *self.front.problems,
        ]
        failures = self.hub.failures
        return problems + [
            f"{what} failed {count} times; see the log" for what, count in failures.items()
        ]


def shown(address: tuple[str, int]) -> str:
    """``HOST:PORT``, or ``[IPv6]:PORT``."""
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _disk_free(settings: Settings) -> int:
    try:
        found = os.statvfs(settings.state)
    except OSError:
        return 0
    return found.f_bavail * found.f_frsize
