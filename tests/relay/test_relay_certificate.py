"""The certificate: renewed when its files change, kept when what they hold is no good."""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from monitor.config import ConfigError, Tls
from monitor.relay.certificate import Certificate
from monitor.relay.tls import watch_hello


def make(folder: Path, name: str) -> Tls:
    """A self-signed pair in ``folder``, as an operator would have put it there."""
    made = Certificate(Tls(), folder / name, name)
    made.close()
    folder.mkdir(exist_ok=True)
    for file in ("cert.pem", "key.pem"):
        os.replace(folder / name / "tls" / file, folder / file)
    return Tls(certificate=folder / "cert.pem", key=folder / "key.pem")


def handshake(client: ssl.SSLContext, server: ssl.SSLContext) -> ssl.SSLObject:
    """The client's side of a connection between the two."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    here = client.wrap_bio(to_client, to_server)
    there = server.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(3):
        for side in (here, there):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    return here


def shown(certificate: Certificate) -> str:
    """The name in the certificate that a client sees."""
    context = certificate.context()
    assert context is not None
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    here = handshake(client, context)
    told = x509.load_der_x509_certificate(here.getpeercert(binary_form=True) or b"")
    [name] = told.subject
    return str(name.value)


def test_one_is_made_where_none_is_given_and_kept(tmp_path: Path) -> None:
    first = Certificate(Tls(), tmp_path, "mx.home.test")
    assert shown(first) == "mx.home.test"
    assert first.problem == ""
    before = (tmp_path / "tls" / "cert.pem").read_bytes()
    Certificate(Tls(), tmp_path, "other.test")
    assert (tmp_path / "tls" / "cert.pem").read_bytes() == before


def test_tls_that_is_off_needs_none(tmp_path: Path) -> None:
    off = Certificate(Tls(enabled=False), tmp_path, "mx.home.test")
    assert off.context() is None
    off.read()
    assert not off.changed()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("given", [False, True])
def test_one_in_use_elsewhere_stays_so_while_the_files_are_gone(
    tmp_path: Path, given: bool
) -> None:
    tls = make(tmp_path, "good") if given else Tls()
    elsewhere = Certificate(tls, tmp_path, "good")
    files = list(tmp_path.rglob("*.pem"))
    for file in files:
        file.unlink()
    here = Certificate(tls, tmp_path, "other", os.dup(elsewhere.memory))
    assert shown(here) == "good"
    assert "No such file" in here.problem
    assert not any(file.exists() for file in files)
    if given:
        make(tmp_path, "mended")
        here.read()
        assert (shown(here), shown(elsewhere)) == ("mended", "good")


def test_key_and_certificate_may_share_a_file(tmp_path: Path) -> None:
    make(tmp_path, "one")
    both = tmp_path / "both.pem"
    both.write_bytes((tmp_path / "cert.pem").read_bytes() + (tmp_path / "key.pem").read_bytes())
    both.chmod(0o600)
    assert shown(Certificate(Tls(certificate=both), tmp_path, "")) == "one"


def test_a_renewed_one_is_read_once_its_files_are_at_rest(tmp_path: Path) -> None:
    certificate = Certificate(make(tmp_path, "old"), tmp_path, "")
    assert [certificate.changed() for _ in range(3)] == [False] * 3
    make(tmp_path, "new")
    assert [certificate.changed() for _ in range(3)] == [False, True, True]
    assert shown(certificate) == "old"
    certificate.read()
    assert shown(certificate) == "new"
    assert not certificate.changed()


def _garbage(folder: Path) -> None:
    (folder / "cert.pem").write_text("no certificate")


def _gone(folder: Path) -> None:
    (folder / "key.pem").unlink()


def _mismatched(folder: Path) -> None:
    """What a renewal in progress looks like: one file is new already."""
    key = (folder / "key.pem").read_bytes()
    make(folder, "new")
    (folder / "key.pem").write_bytes(key)


def _locked(folder: Path) -> None:
    secret = serialization.BestAvailableEncryption(b"secret")
    key = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, secret
    )
    (folder / "key.pem").write_bytes(key)


@pytest.mark.parametrize(
    ("break_it", "told"),
    [
        (_garbage, "cannot be used"),
        (_gone, "No such file"),
        (_mismatched, "MISMATCH"),
        (_locked, "passphrase"),
    ],
)
def test_a_bad_one_changes_nothing_and_is_told(
    tmp_path: Path, break_it: Callable[[Path], Any], told: str
) -> None:
    tls = make(tmp_path, "old")
    certificate = Certificate(tls, tmp_path, "")
    break_it(tmp_path)
    with pytest.raises(ConfigError, match=rf"tls.certificate = .*cert.pem: .*{told}"):
        certificate.read()
    assert told in certificate.problem
    assert shown(certificate) == "old"
    assert not certificate.changed(), "it is not tried again and again"
    with pytest.raises(ConfigError, match=told):
        Certificate(tls, tmp_path, "")
    make(tmp_path, "mended")
    certificate.read()
    assert (shown(certificate), certificate.problem) == ("mended", "")


@pytest.mark.parametrize(
    ("mode", "safe"),
    [(0o600, True), (0o400, True), (0o640, True), (0o644, False), (0o660, False), (0o604, False)],
)
def test_a_key_that_others_may_read_is_told(tmp_path: Path, mode: int, safe: bool) -> None:
    tls = make(tmp_path, "old")
    (tmp_path / "key.pem").chmod(mode)
    problem = Certificate(tls, tmp_path, "").problem
    assert (problem == "") is safe
    if not safe:
        assert f"mode {mode:04o}" in problem
        assert "chmod g-w,o= " in problem


def test_renewals_leave_no_descriptor_behind(tmp_path: Path) -> None:
    certificate = Certificate(make(tmp_path, "old"), tmp_path, "")
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        certificate.read()
    _garbage(tmp_path)
    for _ in range(20):
        with pytest.raises(ConfigError):
            certificate.read()
    assert len(os.listdir("/proc/self/fd")) == before
    certificate.close()
    assert len(os.listdir("/proc/self/fd")) == before - 1


def test_a_context_serves_one_handshake_after_the_other_until_there_is_a_new_certificate(
    tmp_path: Path,
) -> None:
    certificate = Certificate(make(tmp_path, "old"), tmp_path, "")
    first, second = certificate.context(), certificate.context()
    assert first is not None
    assert second is not None
    assert first is not second, "two handshakes at once hear each other's ClientHello"
    certificate.done(first)
    assert certificate.context() is first
    make(tmp_path, "new")
    certificate.read()
    certificate.done(first)
    certificate.done(second)
    assert certificate.context() not in (first, second), "the old certificate is shown"
    assert shown(certificate) == "new"


def test_the_next_handshake_hears_its_own_hello_and_no_earlier_connections(tmp_path: Path) -> None:
    context = Certificate(make(tmp_path, "one"), tmp_path, "").context()
    assert context is not None
    heard: list[list[bytes]] = []
    for _ in range(2):
        heard.append([])
        watch_hello(context, heard[-1])
        client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
        handshake(client, context)
    assert [len(hellos) for hellos in heard] == [1, 1]
    assert heard[0] != heard[1]
