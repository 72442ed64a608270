"""The table of the grades: what each fault costs. Data, and no code.

A subject has 100 points. Each fault takes ``points`` times the share of the cases that show it
(a case is a record; for retries it is a delivery, that is a reverse-path and a recipient). What
is left is the score, and the score gives the grade: see :data:`GRADES`. Findings that have no
row here cost nothing.

A fault of retries costs only where :data:`AGREE` deliveries and at least half of them show it.
A subject with fewer than :data:`ENOUGH` cases has no grade. The grade of a sender is that of
the middle between the mean of its subjects and the worst of them.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

from monitor.events import Severity

__all__ = ["AGREE", "ENOUGH", "GRADES", "RULES", "SUBJECTS", "Grade", "Rule", "Subject"]

Subject = Literal["authentication", "retry", "conduct", "tls", "routing"]
SUBJECTS: tuple[Subject, ...] = get_args(Subject)
Grade = Literal["A", "B", "C", "D", "F"]

GRADES: tuple[tuple[Grade, float], ...] = (("A", 90), ("B", 80), ("C", 65), ("D", 50), ("F", 0))
ENOUGH = 3  # cases that a grade needs
AGREE = 3  # deliveries that must show the same fault of retries


class Rule(NamedTuple):
    """One row: the fault ``code``, from severity ``least`` on, where ``unless`` is not found too.

    Of several rows with one code the gravest that fits holds.
    """

    subject: Subject
    code: str
    points: int
    least: Severity = "notice"
    unless: str = ""


def _rows(subject: Subject, *rows: tuple[str, int] | tuple[str, int, Severity]) -> list[Rule]:
    return [Rule(subject, *row) for row in rows]


# A signature that fails beside a valid one does no harm.
_BROKEN = (
    "fail-body",
    "fail-signature",
    "malformed",
    "no-key",
    "key-revoked",
    "key-malformed",
    "key-short",
    "expired",
    "sha1",
    "from-unsigned",
)

RULES: tuple[Rule, ...] = (
    *_rows(
        "authentication",
        ("spf.softfail", 25),
        ("spf.neutral", 10, "info"),
        ("spf.none", 20),
        ("spf.permerror", 35),
        ("spf.plus-all", 30),
        ("spf.too-many-lookups", 10),
        ("spf.void-lookups", 5),
        ("spf.ptr-used", 5),
        ("dkim.none", 30),
        ("dkim.key-1024", 15),
        ("dkim.length-tag", 25),
        ("dkim.testing", 5, "info"),
        ("dmarc.none", 15),
        ("dmarc.permerror", 40),
        ("dmarc.record-syntax", 20),
        ("dmarc.policy-none", 5, "info"),
        ("dmarc.report-unauthorised", 5),
        ("dmarc.spf-failed-dkim-saved", 15),
        ("dmarc.list-broke-it", 15),
    ),
    # A host that passes mail on fails SPF, and DKIM tells that it is the author's all the same.
    Rule("authentication", "spf.fail", 35, unless="dmarc.spf-failed-dkim-saved"),
    Rule("authentication", "dkim.third-party", 10, unless="dmarc.pass"),
    Rule("authentication", "dmarc.fail", 40, unless="dmarc.list-broke-it"),
    *(Rule("authentication", f"dkim.{how}", 30, unless="dkim.pass") for how in _BROKEN),
    *_rows(
        "retry",
        ("retry.after-permanent", 20),
        ("retry.after-permanent", 40, "warning"),
        ("retry.after-permanent", 60, "error"),
        ("retry.immediate", 10),
        ("retry.immediate", 60, "error"),
        ("retry.too-soon", 10),
        ("retry.too-soon", 25, "warning"),
        ("retry.too-soon", 40, "error"),
        ("retry.rapid-fire", 10),
        ("retry.rapid-fire", 30, "warning"),
        ("retry.rapid-fire", 50, "error"),
        ("retry.gave-up", 10),
        ("retry.gave-up", 40, "warning"),
        ("retry.gave-up", 60, "error"),
        ("retry.host-rotation", 15),
        ("retry.host-rotation", 30, "warning"),
        ("retry.rotation-no-delay", 15),
        ("retry.rotation-no-delay", 40, "error"),
    ),
    *_rows(
        "conduct",
        ("conduct.smuggling", 100),
        ("conduct.not-smtp", 100),
        ("conduct.helo-is-us", 60),
        ("conduct.early-talker", 50),
        ("conduct.ignored-rejection", 50),
        ("conduct.ignored-shutdown", 50),
        ("conduct.bare-newline", 50),
        ("conduct.unannounced-pipelining", 40),
        ("conduct.data-after-no-recipients", 25),
        ("conduct.data-after-no-recipients", 40, "warning"),
        ("conduct.data-after-no-recipients", 60, "error"),
        ("conduct.unknown-commands", 30),
        ("conduct.bad-sequence", 25),
        ("conduct.helo-syntax", 20),
        ("conduct.line-too-long", 20),
        ("conduct.null-byte", 20),
        ("conduct.8bit-unannounced", 15),
        ("conduct.helo-mismatch", 5, "info"),
        ("conduct.no-quit", 5, "info"),
        ("report.loop", 30),
    ),
    *_rows(
        "tls",
        ("tls.none", 50),
        ("tls.plaintext-fallback", 50),
        ("tls.no-shared-cipher", 100),
        ("tls.handshake-failed", 80),
        ("tls.old-protocol", 40),
        ("tls.weak-cipher", 30),
        ("tls.starttls-injection", 100),
    ),
    *_rows(
        "routing",
        ("rdns.none", 40),
        ("rdns.mismatch", 20),
        ("route.sender-unreachable", 60),
        ("route.sender-null-mx", 40),
        ("route.sender-no-mx", 10),
        ("route.recipient-not-ours", 20),
        ("route.recipient-null-mx", 10),
        ("route.recipient-no-mx", 5),
    ),
)
