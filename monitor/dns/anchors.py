"""Trust anchors: the keys of the root zone, or of other zones from a file."""

from __future__ import annotations

from pathlib import Path

import dns.exception
import dns.name
import dns.rdataclass
import dns.rdatatype
import dns.zonefile

from monitor.dns.validate import Anchors

__all__ = ["AnchorError", "load_anchors"]

# As IANA publishes them (RFC 9718), of 2017 and 2024.
ROOT = """
. DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D
. DS 38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16
"""


class AnchorError(Exception):
    """A file of trust anchors cannot be used; the text says why."""


def load_anchors(path: Path | None = None) -> Anchors:
    """The DS records in the master file ``path``, the root's own without one.

    Raises AnchorError.
    """
    try:
        text = ROOT if path is None else path.read_text("utf-8")
        sets = dns.zonefile.read_rrsets(
            text, default_ttl=0, relativize=False, origin=dns.name.root, rdclass=dns.rdataclass.IN
        )
    except OSError as error:
        raise AnchorError(f"cannot be read: {error.strerror}") from None
    except (dns.exception.DNSException, ValueError) as error:
        raise AnchorError(f"is no master file: {error}") from None
    anchors = {found.name: found.to_rdataset() for found in sets}
    if not anchors or any(found.rdtype != dns.rdatatype.DS for found in sets):
        raise AnchorError("must hold DS records, and nothing else")
    return anchors
