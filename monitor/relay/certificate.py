"""The relay's certificate and key: read, checked, and kept until better ones are read.

Each handshake wants a context to itself (it hears its own ClientHello), and OpenSSL loads
from files only. So what was good is kept in a file in memory: neither a renewal in progress
nor a broken file on the disk is ever in a handshake's way. To make a context costs as much as
a message does, or more, so that each serves one handshake after the other.
"""

from __future__ import annotations

import asyncio
import datetime
import logging
import os
import ssl
from pathlib import Path
from weakref import WeakSet

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from monitor.config import ConfigError, Tls
from monitor.relay.tls import server_context

log = logging.getLogger(__name__)

MAX_SIZE = 1024 * 1024  # bytes of either file
IDLE = 32  # contexts that wait for the next handshakes
KEPT = "%s; the one from before stays in use"
_BY_OTHERS = 0o027  # mode bits: all that others may do, and a group that may write

Mark = tuple[int, int, int] | None  # a file's inode, size and time of change


class Certificate:
    """What STARTTLS shows. Raises ConfigError where it cannot be used at the start.

    ``memory`` is the descriptor of a file in memory that another process of this relay read,
    where there is one: it is in use while those on the disk cannot be.
    """

    def __init__(self, tls: Tls, state: Path, name: str, memory: int = -1) -> None:
        self._tls = tls
        self._files = _files(tls, state)
        self.memory = memory  # descriptor of the file in memory, -1 where TLS is off
        self._read: list[Mark] = []
        self._seen: list[Mark] = []
        self._current: WeakSet[ssl.SSLContext] = WeakSet()  # made of what is in memory now
        self._idle: list[ssl.SSLContext] = []
        self.problem = ""  # what is wrong with the files now, for the operator
        if tls.enabled:
            there = memory >= 0 or tls.certificate or all(file.exists() for file in self._files)
            if not there:
                _make(self._files[0], self._files[1], name)
            try:
                self.read()
            except ConfigError as error:
                if memory < 0:
                    raise
                log.error(KEPT, error)

    def context(self) -> ssl.SSLContext | None:
        """A context for one handshake, until it is :meth:`done`; None where TLS is off."""
        if not self._tls.enabled:
            return None
        if self._idle:
            return self._idle.pop()
        context = server_context(self._tls, _path(self.memory))
        self._current.add(context)
        return context

    def done(self, context: ssl.SSLContext) -> None:
        """The handshake with ``context`` is over: another may have it."""
        if context in self._current and len(self._idle) < IDLE:
            self._idle.append(context)

    def read(self) -> None:
        """Read the files anew. Raises ConfigError; what was good before is then still in use."""
        if not self._tls.enabled:
            return
        self._read = self._marks()
        try:
            contents, self.problem = _contents(self._files)
            fresh = os.memfd_create("certificate")
            try:
                with open(fresh, "wb", closefd=False) as file:
                    file.write(contents)
                server_context(self._tls, _path(fresh))
            except BaseException:
                os.close(fresh)
                raise
        except (OSError, ssl.SSLError) as error:
            what = "tls.certificate" if self._tls.certificate else "certificate"
            reason = error.strerror if isinstance(error, OSError) else str(error)
            self.problem = f"{what} = {self._files[0]}: cannot be used: {reason or error}"
            raise ConfigError(self.problem) from None
        if self.memory < 0:
            self.memory = fresh
        else:
            os.dup2(fresh, self.memory, inheritable=False)  # at once: handshakes go on meanwhile
            os.close(fresh)
        self._current, self._idle = WeakSet(), []

    def changed(self) -> bool:
        """True where the files differ from those read, and are as at the last call: at rest."""
        if not self._tls.enabled:
            return False
        now = self._marks()
        at_rest, self._seen = now == self._seen, now
        return at_rest and now != self._read

    def close(self) -> None:
        """Let go of what is in memory."""
        if self.memory >= 0:
            os.close(self.memory)
            self.memory = -1

    def _marks(self) -> list[Mark]:
        return [_mark(file) for file in self._files]


async def reread(certificate: Certificate) -> bool:
    """Read it anew; False, and told in the log, where the one from before stays in use."""
    try:
        await asyncio.to_thread(certificate.read)
    except ConfigError as error:
        log.error(KEPT, error)
        return False
    log.info("the certificate was read anew")
    if certificate.problem:
        log.warning("%s", certificate.problem)
    return True


def _files(tls: Tls, state: Path) -> list[Path]:
    """The certificate and, where it is a file of its own, the key."""
    if tls.certificate is None:
        return [state / "tls" / "cert.pem", state / "tls" / "key.pem"]
    return [tls.certificate, *([tls.key] if tls.key else [])]


def _mark(file: Path) -> Mark:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def _path(descriptor: int) -> str:
    return f"/proc/self/fd/{descriptor}"


def _contents(files: list[Path]) -> tuple[bytes, str]:
    """Key and certificate as one PEM file, and what is unsafe about them. Raises OSError."""
    pieces, problem = [], ""
    for file in reversed(files):  # the key first: it goes before one in the certificate's file
        with file.open("rb") as opened:
            piece, mode = opened.read(MAX_SIZE), os.fstat(opened.fileno()).st_mode
        if b"ENCRYPTED" in piece:
            raise OSError(0, f"{file} has a passphrase; give a key without one")
        if b"PRIVATE KEY" in piece and mode & _BY_OTHERS:
            problem = (
                f"{file} has mode {mode & 0o777:04o}: others may read or change the private key; "
                f"chmod g-w,o= {file}"
            )
        pieces.append(piece)
    return b"\n".join(pieces), problem


def _make(certificate: Path, key: Path, name: str) -> None:
    """A self-signed P-256 certificate for ``name``, good for ten years."""
    certificate.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    private = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])
    now = datetime.datetime.now(datetime.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=3650))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(private, hashes.SHA256())
    )
    pem = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    with os.fdopen(os.open(key, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(pem)
    certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
