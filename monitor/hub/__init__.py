"""The hub: takes every event, finds, remembers, tells, and rules. It owns the state."""

from monitor.hub.hub import Consumer, Hub
from monitor.hub.policies import Ruler

__all__ = ["Consumer", "Hub", "Ruler"]
