"""The cast: every sender of the demo, one small class with its habit for a docstring."""

from __future__ import annotations

from monitor.demo.cast.arc import ARC
from monitor.demo.cast.conduct import CONDUCT
from monitor.demo.cast.dkim import DKIM
from monitor.demo.cast.dmarc import DMARC
from monitor.demo.cast.good import GOOD
from monitor.demo.cast.reports import REPORTS
from monitor.demo.cast.retries import RETRIES
from monitor.demo.cast.routing import ROUTING
from monitor.demo.cast.spf import SPF
from monitor.demo.cast.tls import TLS
from monitor.demo.sender import Sender

CAST: tuple[type[Sender], ...] = (
    *GOOD,
    *SPF,
    *DKIM,
    *DMARC,
    *ARC,
    *REPORTS,
    *RETRIES,
    *CONDUCT,
    *TLS,
    *ROUTING,
)
