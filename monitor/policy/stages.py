"""An ended transaction as a relay asked about it: for lists that are held against the past."""

from __future__ import annotations

from monitor.policy.ruling import Stage, Verified
from monitor.record import Record


def stage_of(record: Record) -> Stage:
    """What the relay would have known of a transaction at its end."""
    confirmed = not any(found.code.startswith("rdns.") for found in record.findings)
    return Stage(
        session=record.session,
        at=record.ended.timestamp(),
        phase="eod",
        ip=record.client.ip,
        helo=record.client.helo,
        name=record.client.name if confirmed else None,
        mail_from=record.mail_from,
        transaction=record.id,
        verified=_verified(record),
    )


def _verified(record: Record) -> Verified:
    def proved(code: str, key: str) -> tuple[str, ...]:
        return tuple(
            found.evidence[key]
            for found in record.findings
            if found.code == code and isinstance(found.evidence.get(key), str)
        )

    author = record.message.from_.rpartition("@")[2] if record.message else ""
    dmarc = proved("dmarc.pass", "author")
    return Verified(
        spf=next(iter(proved("spf.pass", "domain")), ""),
        dkim=proved("dkim.pass", "d"),
        dmarc=next(iter(dmarc), ""),
        author=next(iter(dmarc), author),
    )
