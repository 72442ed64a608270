"""SMTP TLS reports (RFC 8460 4.4): the facts of the JSON."""

from __future__ import annotations

import msgspec

__all__ = ["read"]

MAX_JSON = 256 * 1024  # bytes; a longer report is not read
MAX_POLICIES = 100


class _Range(msgspec.Struct, rename="kebab"):
    start_datetime: str = ""
    end_datetime: str = ""


class _Policy(msgspec.Struct, rename="kebab"):
    policy_type: str = ""
    policy_domain: str = ""


class _Summary(msgspec.Struct, rename="kebab"):
    total_successful_session_count: int = 0
    total_failure_session_count: int = 0


class _Result(msgspec.Struct):
    policy: _Policy = msgspec.field(default_factory=_Policy)
    summary: _Summary = msgspec.field(default_factory=_Summary)


class _Report(msgspec.Struct, rename="kebab"):
    report_id: str
    policies: list[msgspec.Raw]
    organization_name: str = ""
    date_range: _Range = msgspec.field(default_factory=_Range)


def read(json: bytes) -> dict[str, str | int] | None:
    """The report's facts; None where this is no TLS report."""
    if len(json) > MAX_JSON:
        return None
    try:
        report = msgspec.json.decode(json, type=_Report)
        results = [msgspec.json.decode(raw, type=_Result) for raw in report.policies[:MAX_POLICIES]]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return {
        "organization": report.organization_name,
        "report_id": report.report_id,
        "begin": report.date_range.start_datetime,
        "end": report.date_range.end_datetime,
        "domain": results[0].policy.policy_domain if results else "",
        "policy_type": results[0].policy.policy_type if results else "",
        "successful": sum(r.summary.total_successful_session_count for r in results),
        "failed": sum(r.summary.total_failure_session_count for r in results),
    }
