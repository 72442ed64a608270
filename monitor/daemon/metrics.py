"""Counts for Prometheus: a consumer of the events, and readings of what is in hand now.

Every label has a bounded set of values of our own; nothing that a client says becomes one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import prometheus_client as prometheus

from monitor import __version__
from monitor import events as ev
from monitor.config import Limits
from monitor.findings.catalogue import CATALOGUE

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)  # seconds
OTHER = "other"

VERDICTS = ("accepted", "deferred", "refused", "unknown", "abandoned")
LIMITS = frozenset({"checks.questions", *(f"limits.{name}" for name in Limits.model_fields)})

prometheus.disable_created_metrics()  # type: ignore[no-untyped-call]

Readings = Mapping[str, tuple[str, Callable[[], float]]]  # by name: what it is, and its value


class Metrics:
    """A consumer of events; :meth:`render` gives what Prometheus reads."""

    def __init__(self) -> None:
        self._registry = registry = prometheus.CollectorRegistry()
        prometheus.ProcessCollector(registry=registry)
        self._transactions = prometheus.Counter(
            "mxtap_transactions", "Transactions that ended", ["verdict", "by"], registry=registry
        )
        for verdict in VERDICTS:
            for by in ("upstream", "mxtap"):
                self._transactions.labels(verdict, by)
        self._sessions = prometheus.Counter(
            "mxtap_sessions", "Sessions that ended, by how", ["end"], registry=registry
        )
        self._findings = prometheus.Counter(
            "mxtap_findings", "Findings", ["code"], registry=registry
        )
        self._limits = prometheus.Counter(
            "mxtap_limits", "Times that a limit held", ["limit"], registry=registry
        )
        self._answers = prometheus.Counter(
            "mxtap_dns_answers", "DNS answers that checks used", ["status"], registry=registry
        )
        self._bytes = prometheus.Counter(
            "mxtap_received_bytes", "Bytes of messages received", registry=registry
        )
        self._upstream = prometheus.Histogram(
            "mxtap_upstream_reply_seconds",
            "Time that the upstream took for a reply, by the phase of the session",
            ["phase"],
            buckets=BUCKETS,
            registry=registry,
        )
        version = prometheus.Gauge("mxtap_info", "This relay", ["version"], registry=registry)
        version.labels(__version__).set(1)
        self._at_dot: set[str] = set()  # sessions whose message waits for the upstream's word
        self._hears: dict[type, Callable[[Any], None]] = {
            ev.Ended: self._ended,
            ev.Closed: self._closed,
            ev.Found: self._found,
            ev.Asked: lambda event: self._answers.labels(event.status).inc(),
            ev.Content: self._received,
            ev.Reply: self._replied,
        }

    def watch(self, readings: Readings) -> None:
        """Read these too, whenever somebody asks."""
        for name, (text, read) in readings.items():
            prometheus.Gauge(f"mxtap_{name}", text, registry=self._registry).set_function(read)

    def __call__(self, events: Iterable[ev.AnyEvent]) -> None:
        """Count what happened."""
        for event in events:
            if hear := self._hears.get(type(event)):
                hear(event)

    def render(self) -> bytes:
        """Everything in Prometheus' text format."""
        return prometheus.generate_latest(self._registry)

    def _ended(self, event: ev.Ended) -> None:
        self._transactions.labels(_verdict(event), event.verdict.by).inc()

    def _found(self, event: ev.Found) -> None:
        for found in event.findings:
            self._findings.labels(found.code if found.code in CATALOGUE else OTHER).inc()
            if limit := _limit(found):
                self._limits.labels(limit).inc()

    def _received(self, event: ev.Content) -> None:
        self._bytes.inc(event.size)
        self._at_dot.add(event.session)

    def _closed(self, event: ev.Closed) -> None:
        self._sessions.labels(event.how).inc()
        self._at_dot.discard(event.session)

    def _replied(self, event: ev.Reply) -> None:
        if event.phase == "eod" and event.session not in self._at_dot:
            return  # to QUIT, say: quick, and no word on a message
        self._at_dot.discard(event.session)
        if event.took:
            self._upstream.labels(event.phase).observe(event.took)


def _verdict(event: ev.Ended) -> str:
    if event.state.startswith("accepted"):
        return "accepted"
    if event.state == "unknown":
        return "unknown"
    return {4: "deferred", 5: "refused"}.get(event.verdict.code // 100, "abandoned")


def _limit(found: ev.Finding) -> str:
    """The limit that a finding tells of, "" for none."""
    if found.code == "relay.too-large":
        return "limits.message_size"
    if found.code != "relay.limit":
        return ""
    name = found.evidence.get("limit")
    return name if name in LIMITS else OTHER
