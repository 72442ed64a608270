"""DMARC (RFC 9989) and the consent to its reports (RFC 9990)."""
