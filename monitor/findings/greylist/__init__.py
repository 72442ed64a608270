"""Greylisting (RFC 6647): ours, enforced or only observed, and the upstream's by its replies."""
