"""SPF (RFC 7208): the result for MAIL FROM and HELO, and faults of the record itself."""

from monitor.findings.spf.evaluate import Result, domain_of
from monitor.findings.spf.judge import Spf, check

__all__ = ["Result", "Spf", "check", "domain_of"]
