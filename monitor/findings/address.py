"""IP addresses as text: parsed once, as the same few come up in check after check."""

from __future__ import annotations

import ipaddress
from functools import lru_cache

__all__ = ["Address", "address"]

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@lru_cache(4_096)
def address(text: str) -> Address:
    """The address that ``text`` is. Raises ValueError."""
    return ipaddress.ip_address(text)
