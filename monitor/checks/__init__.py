"""Checks: findings that need DNS or a message's bytes, asked under one deadline.

They fail open: whatever goes wrong in here is a ``relay.check-failed`` finding, never a
refusal and never an exception in the relay (law 1).
"""
