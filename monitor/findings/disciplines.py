"""The disciplines that a relay and a replay ask of every event."""

from __future__ import annotations

from monitor.config import Settings
from monitor.findings.conduct import Conduct
from monitor.findings.greylist.discipline import Greylisted
from monitor.findings.greylist.whitelist import load as load_whitelist
from monitor.findings.memory import Memory
from monitor.findings.reports.loop import ReportLoops
from monitor.findings.retry.discipline import Retries
from monitor.findings.tls import Tls
from monitor.findings.views import Discipline


def default(settings: Settings, memory: Memory) -> list[Discipline]:
    """All of them, sharing one memory. Those with ``tick(now)`` want it about once a second.

    Raises ConfigError where a file that the settings name cannot be used.
    """
    greylisted = Greylisted(settings.greylist, memory, load_whitelist(settings.greylist))
    retries = Retries(settings.retry, memory, settings.greylist.patterns, settings.name)
    return [Conduct(settings), Tls(memory), ReportLoops(memory), greylisted, retries]
