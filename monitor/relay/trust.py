"""TLS as a client: what is asked of the other side's certificate."""

from __future__ import annotations

import os
import ssl
from functools import lru_cache


@lru_cache(maxsize=1)
def any_certificate() -> ssl.SSLContext:
    """A context that takes whatever certificate it is shown."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def known_certificate() -> ssl.SSLContext:
    """A context that takes a certificate of the host's name from this machine's roots.

    The roots are read when they changed on disk: they are a hundred and more, 5 to 20 ms.
    """
    file = ssl.get_default_verify_paths().cafile
    try:
        changed = os.stat(file).st_mtime_ns if file else 0
    except OSError:
        changed = 0
    return _rooted(file, changed)


@lru_cache(maxsize=1)
def _rooted(file: str | None, changed: int) -> ssl.SSLContext:
    context = ssl.create_default_context()
    # Python 3.13 refuses by default what RFC 5280 forbids and no MTA minds.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context
