"""DKIM (RFC 6376, 8301, 8463) and what it shares with ARC."""
