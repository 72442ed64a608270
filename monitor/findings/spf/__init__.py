"""SPF (RFC 7208): the result for MAIL FROM and HELO, and faults of the record itself."""

from monitor.findings.spf.evaluate import Result
from monitor.findings.spf.judge import Spf, check
from monitor.findings.spf.lookup import domain_of

__all__ = ["Result", "Spf", "check", "domain_of"]
