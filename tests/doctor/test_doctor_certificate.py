"""The relay's own certificate."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from monitor.config import Settings
from monitor.doctor import look
from monitor.doctor.certificate import Files, judge
from monitor.relay.certificate import Certificate

NAME = "mx.our.test"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    found = Settings(state=tmp_path, name=NAME)
    Certificate(found.tls, tmp_path, NAME).close()  # as the first start does
    return found


def told(files: Files, name: str = NAME, days: float = 1) -> dict[str, str]:
    at = datetime.now(UTC)
    if files.pem:
        at = x509.load_pem_x509_certificate(files.pem).not_valid_after_utc - timedelta(days=days)
    return {check.name: check.state for check in judge(files, [name], at.timestamp())}


def test_names_and_issuer(settings: Settings) -> None:
    files = look.certificate(settings)
    assert told(files, days=100) == {"expiry": "ok", "names": "ok", "issuer": "notice"}
    assert told(files, "other.test")["names"] == "warning"


@pytest.mark.parametrize(
    ("days", "state"), [(40, "ok"), (20, "notice"), (5, "warning"), (-1, "error"), (9_999, "error")]
)
def test_expiry(settings: Settings, days: float, state: str) -> None:
    assert told(look.certificate(settings), days=days)["expiry"] == state


def test_a_key_that_others_may_read(settings: Settings) -> None:
    (settings.state / "tls" / "key.pem").chmod(0o644)
    assert told(look.certificate(settings))["file"] == "warning"


def test_files_that_cannot_be_used(settings: Settings, tmp_path: Path) -> None:
    (settings.state / "tls" / "key.pem").write_text("nothing")
    assert told(look.certificate(settings)) == {"file": "error"}
    given = Settings(state=tmp_path, tls={"certificate": tmp_path / "none.pem"})
    assert told(look.certificate(given)) == {"file": "error"}


def test_nothing_is_made_by_looking(tmp_path: Path) -> None:
    assert told(look.certificate(Settings(state=tmp_path))) == {"names": "skipped"}
    assert list(tmp_path.iterdir()) == []


def test_without_tls(tmp_path: Path) -> None:
    off = Settings(state=tmp_path, tls={"enabled": False})
    assert told(look.certificate(off)) == {"STARTTLS": "warning"}
