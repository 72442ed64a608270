"""The other attempts at a message, as the evidence of its findings tells them."""

from __future__ import annotations

from monitor.record import Record

__all__ = ["attempts_of"]


def attempts_of(record: Record) -> list[str]:
    """The sessions of all attempts that a finding of ``record`` names, in their order."""
    longest: list[str] = []
    for finding in record.findings:
        told = finding.evidence.get("attempts")
        if isinstance(told, list):
            sessions = [str(each["session"]) for each in told if _names_session(each)]
            longest = max(longest, sessions, key=len)
    return longest


def _names_session(told: object) -> bool:
    return isinstance(told, dict) and isinstance(told.get("session"), str)
