"""A certificate authority of the tests, and what it signs."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

DAY = datetime.timedelta(days=1)


class Authority:
    """Signs for any name. ``root`` is its own certificate, as PEM."""

    def __init__(self) -> None:
        self._key, self._name = ec.generate_private_key(ec.SECP256R1()), _named("Test CA")
        self._certificate = self._sign(self._key, "Test CA", authority=True)
        self.root = self._certificate.public_bytes(Encoding.PEM)

    def write(self, folder: Path, name: str) -> Path:
        """A file with key and certificate for ``name``; the root beside it in ``root.pem``."""
        key = ec.generate_private_key(ec.SECP256R1())
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        file = folder / f"{name}.pem"
        file.write_bytes(private + self._sign(key, name).public_bytes(Encoding.PEM))
        file.chmod(0o600)
        (folder / "root.pem").write_bytes(self.root)
        return file

    def _sign(self, key: Any, name: str, *, authority: bool = False) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(_named(name))
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - DAY)
            .not_valid_after(now + 90 * DAY)
            .add_extension(x509.BasicConstraints(authority, None), critical=True)
        )
        if not authority:
            names = x509.SubjectAlternativeName([x509.DNSName(name)])
            builder = builder.add_extension(names, critical=False)
        return builder.sign(self._key, hashes.SHA256())


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
