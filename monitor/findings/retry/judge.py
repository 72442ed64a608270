"""What one more attempt tells of the sender, given those before it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from monitor.config import Retry
from monitor.events import Finding, Severity
from monitor.findings.catalogue import finding
from monitor.findings.pools import Pool
from monitor.findings.retry import bands
from monitor.findings.retry.attempt import Attempt, Certainty, Chain

_Tell = Callable[..., Finding]
SLACK = 0.02  # of a told wait, by which clocks may differ
SHOWN = 10  # attempts in the evidence


def is_fallback(rules: Retry, chain: Chain, attempt: Attempt) -> bool:
    """The next MX or another listener, tried soon after a 4xx (RFC 5321 5.1)."""
    since = attempt.began - rules.fallback_window
    recent = [a for a in chain.attempts if a.ended >= since]
    return (
        chain.last.fate == "deferred"
        and bool(recent)
        and all(a.listener != attempt.listener for a in recent)
    )


def judge(
    rules: Retry, chain: Chain, attempt: Attempt, pool: Pool, certainty: Certainty
) -> Iterator[Finding]:
    """Findings of ``attempt``; ``chain`` is as it was before, and keeps count."""
    before = chain.last
    if attempt.fallback or before.void:
        return
    interval = max(0.0, attempt.began - before.ended)
    evidence = {
        "interval": round(interval, 3),
        "certainty": certainty,
        "attempts": shown(chain, attempt),
        "pool": pool.key,
    }
    to = chain.recipient or "MAIL"

    def tell(code: str, severity: Severity, detail: str, **more: object) -> Finding:
        severity = bands.capped(severity, certainty)
        chain.blemished |= bands.worse(severity, "info")
        return finding(code, detail, severity=severity, **evidence, **more)

    if before.fate == "refused":
        if _heard(before, attempt):
            chain.deaf += 1
            yield tell(
                "retry.after-permanent",
                bands.after_permanent(rules, chain.deaf, interval),
                f"{to}: attempt {chain.deaf} after {before.code} at {before.phase}, "
                f"{interval:.0f} s later",
                refused={"code": before.code, "phase": before.phase},
            )
        return

    asked = bool(before.asked) and interval >= before.asked * (1 - SLACK)
    soon = None if asked else bands.too_soon(rules, interval)
    if soon and interval < rules.immediate:
        yield tell("retry.immediate", soon, f"{to}: {interval:.1f} s after {before.code}")
    elif soon:
        yield tell("retry.too-soon", soon, f"{to}: {interval:.0f} s after {before.code}")
    if attempt.began <= chain.first.ended + rules.rapid_window:
        chain.burst += 1
        if rapid := bands.rapid_fire(chain.burst):
            yield tell(
                "retry.rapid-fire",
                rapid,
                f"{to}: {chain.burst + 1} attempts in {attempt.began - chain.first.began:.0f} s",
                count=chain.burst + 1,
            )
    if attempt.ip != before.ip:
        yield from _rotation(rules, chain, attempt, pool, interval, tell)


def _rotation(
    rules: Retry,
    chain: Chain,
    attempt: Attempt,
    pool: Pool,
    interval: float,
    tell: _Tell,
) -> Iterator[Finding]:
    new = pool.network not in chain.networks
    resets = chain.resets + new
    severity = bands.rotation(len(chain.networks) + new, resets)
    detail = f"{chain.recipient or 'MAIL'}: from {chain.last.ip}, then from {attempt.ip}"
    facts = {"hosts": [chain.last.ip, attempt.ip], "resets": resets}
    yield tell("retry.host-rotation", severity, detail, **facts)
    if interval < rules.soon[2]:
        severity = "error" if resets >= bands.RESETS else severity
        detail += f" {interval:.0f} s later"
        yield tell("retry.rotation-no-delay", severity, detail, **facts)


def _heard(before: Attempt, attempt: Attempt) -> bool:
    """Whether ``attempt`` came as far as the command that ``before`` was refused at."""
    if before.phase in ("mail", "rcpt"):
        return True
    return bool(attempt.message) and attempt.message == before.message


def disciplined(chain: Chain, attempt: Attempt) -> Finding | None:
    """Accepted after a deferral, with nothing to say against any attempt."""
    if chain.blemished or attempt.fallback or not chain.count:
        return None
    waited = attempt.began - chain.first.ended
    return finding(
        "retry.disciplined",
        f"{chain.recipient}: accepted at attempt {chain.count + 1}, {waited:.0f} s after the first",
        attempts=shown(chain, attempt),
        waited=round(waited, 3),
    )


def shown(chain: Chain, *more: Attempt) -> list[dict[str, object]]:
    """The attempts as evidence; each names the session that has its transcript."""
    return [
        {
            "at": round(a.began, 3),
            "ip": a.ip,
            "code": a.code,
            "phase": a.phase,
            "session": a.session,
            **(
                {"not counted": "MX fallback" if a.fallback else "our fault"}
                if not a.counts
                else {}
            ),
        }
        for a in [*chain.attempts, *more][-SHOWN:]
    ]
