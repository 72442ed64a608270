"""The severity bands of retries: seconds and counts in, severities out."""

from __future__ import annotations

from monitor.config import Retry
from monitor.events import SEVERITIES, Severity
from monitor.findings.retry.attempt import Certainty

DEAF: tuple[Severity, ...] = ("notice", "warning", "error")
RESETS = 3  # timer resets that are more than a change of route


def after_permanent(rules: Retry, attempts: int, interval: float) -> Severity:
    """The ``attempts``-th attempt after a 5xx, ``interval`` seconds after the last reply."""
    if interval < rules.rapid_window:
        return "error"
    return DEAF[min(attempts, len(DEAF)) - 1]


def too_soon(rules: Retry, interval: float) -> Severity | None:
    """A retry ``interval`` seconds after the 4xx; None where there is nothing to say."""
    severity: Severity | None = None
    bands: tuple[Severity, ...] = ("info", "notice", "warning", "error")
    for limit, band in zip(rules.soon, bands, strict=True):
        if interval < limit:
            severity = band
    return severity


def rapid_fire(retries: int) -> Severity | None:
    """``retries`` within the window after the first 4xx."""
    if retries < 2:
        return None
    return "warning" if retries == 2 else "error"


def rotation(networks: int, resets: int) -> Severity:
    """A retry from another address; ``networks`` tried so far."""
    if resets >= RESETS:
        return "warning"
    return "notice" if networks > 1 else "info"


def gave_up(rules: Retry, life: float, retried: bool) -> Severity | None:
    """Silence after ``life`` seconds of trying."""
    if not retried:
        return "error"
    severity: Severity | None = None
    bands: tuple[Severity, ...] = ("notice", "warning", "error")
    for limit, band in zip(rules.gave_up, bands, strict=True):
        if life < limit:
            severity = band
    return severity


def capped(severity: Severity, certainty: Certainty) -> Severity:
    """What is merely possible is never above notice."""
    return _lower(severity, "notice") if certainty == "possible" else severity


def one_down(severity: Severity) -> Severity:
    """The band below; info is the lowest."""
    return SEVERITIES[max(SEVERITIES.index("info"), SEVERITIES.index(severity) - 1)]


def worse(one: Severity, other: Severity) -> bool:
    """Whether ``one`` is the graver."""
    return SEVERITIES.index(one) > SEVERITIES.index(other)


def _lower(one: Severity, other: Severity) -> Severity:
    return other if worse(one, other) else one
