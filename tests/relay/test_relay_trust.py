"""What a TLS context of ours takes for a host's certificate, and how often roots are read."""

from __future__ import annotations

import os
import ssl
from pathlib import Path

import pytest
from certificates import Authority

from monitor.relay.trust import any_certificate, known_certificate


@pytest.fixture
def roots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    Authority().write(tmp_path, "mx.test")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "root.pem"))
    return tmp_path / "root.pem"


def test_roots_are_read_once(roots: Path) -> None:
    """A hundred of them take 20 ms, in which no other session goes on."""
    context = known_certificate()
    assert known_certificate() is context
    assert len(context.get_ca_certs()) == 1


def test_roots_that_changed_are_read_again(roots: Path) -> None:
    before = known_certificate()
    Authority().write(roots.parent, "mx.test")
    os.utime(roots, ns=(0, 1))
    after = known_certificate()
    assert after is not before
    assert after.get_ca_certs() != before.get_ca_certs()


def test_roots_that_are_gone_are_no_error(roots: Path) -> None:
    roots.unlink()
    assert known_certificate().verify_mode == ssl.CERT_REQUIRED


def test_it_is_as_strict_with_every_python(roots: Path) -> None:
    context = known_certificate()
    assert context.check_hostname
    assert not context.verify_flags & ssl.VERIFY_X509_STRICT


def test_any_certificate_needs_no_roots(monkeypatch: pytest.MonkeyPatch) -> None:
    any_certificate.cache_clear()
    monkeypatch.setattr(ssl, "create_default_context", None)
    context = any_certificate()
    assert (context.check_hostname, context.verify_mode) == (False, ssl.CERT_NONE)
    assert any_certificate() is context
