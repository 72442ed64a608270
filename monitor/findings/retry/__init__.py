"""How a sender tries again: what it does after a 4xx, and after a 5xx (RFC 5321 4.5.4.1)."""
