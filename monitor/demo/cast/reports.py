"""Reports about mail: aggregate DMARC, TLS, abuse; some of them about other reports."""

from __future__ import annotations

import gzip
import json
import time
from typing import ClassVar

from monitor.demo import home
from monitor.demo.letter import Mail, Part, multipart
from monitor.demo.sender import Sender, World, at

DAY = 86_400
BOUNDARY = "=_report"


class _Reporter(Sender):
    """Sends messages that machines read."""

    every = 20
    kind: ClassVar[str]  # the report-type parameter, "" for multipart/mixed

    def parts(self) -> list[Part]:
        """The body parts; the first is for people."""
        raise NotImplementedError

    def mail(self) -> Mail:
        """The report in its envelope."""
        subtype = f"report; report-type={self.kind}" if self.kind else "mixed"
        message = self.write(
            Content_Type=f'multipart/{subtype}; boundary="{BOUNDARY}"',
            Auto_Submitted="auto-generated",
            text=multipart(self.parts(), BOUNDARY),
        )
        return Mail(self.address, (self.recipient,), self.signed(message))


class DmarcReporter(_Reporter):
    """Reports on our reports: each of its aggregate reports makes us send one more."""

    domain = "reporter.example"
    hosts = at(mail="127.0.90.1")
    spf = "ip4:127.0.90.1 -all"
    dmarc = "p=reject; rua=mailto:dmarc@reporter.example"
    keys = ("rsa2048",)
    recipient = home.REPORTS
    kind = ""
    every = 12

    @property
    def address(self) -> str:
        """Where its own reports are to be sent, too."""
        return f"dmarc@{self.domain}"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.sent = 0

    @property
    def ident(self) -> str:
        """The report's id."""
        return f"{self.sent}@{self.domain}"

    def mail(self) -> Mail:
        """The next report."""
        self.sent += 1
        return super().mail()

    def write(self, **fields: str) -> bytes:
        """With the subject that RFC 9990 wants."""
        subject = f"Report Domain: {home.DOMAIN} Submitter: {self.domain} Report-ID: {self.ident}"
        return super().write(Subject=subject, **fields)

    def parts(self) -> list[Part]:
        """The report, compressed (RFC 9990)."""
        end = int(time.time()) // DAY * DAY
        name = f"{self.domain}!{home.DOMAIN}!{end - DAY}!{end - 1}.xml.gz"
        report = gzip.compress(self.aggregate(end).encode())
        return [
            Part("text/plain", b"An aggregate report is attached."),
            Part("application/gzip", report, name),
        ]

    def aggregate(self, end: int) -> str:
        """One row: the one report that we sent them the day before."""
        return f"""\
<?xml version="1.0" encoding="UTF-8"?>
<feedback xmlns="urn:ietf:params:xml:ns:dmarc-2.0">
  <version>1.0</version>
  <report_metadata>
    <org_name>{self.domain}</org_name>
    <email>{self.address}</email>
    <report_id>{self.ident}</report_id>
    <date_range><begin>{end - DAY}</begin><end>{end - 1}</end></date_range>
  </report_metadata>
  <policy_published>
    <domain>{home.DOMAIN}</domain><p>reject</p>
  </policy_published>
  <record>
    <row>
      <source_ip>{home.ADDRESS}</source_ip>
      <count>1</count>
      <policy_evaluated>
        <disposition>none</disposition><dkim>pass</dkim><spf>pass</spf>
      </policy_evaluated>
    </row>
    <identifiers>
      <envelope_to>{self.domain}</envelope_to>
      <envelope_from>{home.DOMAIN}</envelope_from>
      <header_from>{home.DOMAIN}</header_from>
    </identifiers>
    <auth_results>
      <spf><domain>{home.DOMAIN}</domain><scope>mfrom</scope><result>pass</result></spf>
    </auth_results>
  </record>
</feedback>
"""


class FullReporter(DmarcReporter):
    """Sends its aggregate reports to a mailbox that is full, every time."""

    domain = "fullreports.example"
    hosts = at(mail="127.0.91.1")
    spf = "ip4:127.0.91.1 -all"
    dmarc = "p=reject"
    recipient = home.FULL


class TlsReporter(_Reporter):
    """Sends a TLS report (RFC 8460) every day."""

    domain = "tlsreporter.example"
    hosts = at(mail="127.0.92.1")
    spf = "ip4:127.0.92.1 -all"
    dmarc = "p=reject"
    keys = ("rsa2048",)
    recipient = home.TLS_REPORTS
    subject = f"Report Domain: {home.DOMAIN}"
    kind = "tlsrpt"

    def write(self, **fields: str) -> bytes:
        """With the fields of RFC 8460 5.3."""
        return super().write(
            TLS_Report_Domain=home.DOMAIN, TLS_Report_Submitter=self.domain, **fields
        )

    def parts(self) -> list[Part]:
        """All sessions of a day went well."""
        begin = time.gmtime(time.time() // DAY * DAY - DAY)
        report = {
            "organization-name": self.domain,
            "date-range": {
                "start-datetime": time.strftime("%Y-%m-%dT00:00:00Z", begin),
                "end-datetime": time.strftime("%Y-%m-%dT23:59:59Z", begin),
            },
            "contact-info": f"tls@{self.domain}",
            "report-id": self.message_id(),
            "policies": [
                {
                    "policy": {"policy-type": "no-policy-found", "policy-domain": home.DOMAIN},
                    "summary": {
                        "total-successful-session-count": 7,
                        "total-failure-session-count": 0,
                    },
                }
            ],
        }
        content = gzip.compress(json.dumps(report).encode())
        return [
            Part("text/plain", b"A TLS report is attached."),
            Part("application/tlsrpt+gzip", content, f"{self.domain}!{home.DOMAIN}.json.gz"),
        ]


class AbuseDesk(_Reporter):
    """Sends an abuse report (ARF, RFC 5965) when a reader complains."""

    domain = "abusedesk.example"
    hosts = at(mail="127.0.93.1")
    spf = "ip4:127.0.93.1 -all"
    dmarc = "p=reject"
    keys = ("rsa2048",)
    recipient = f"postmaster@{home.DOMAIN}"
    subject = "FW: Your order"
    kind = "feedback-report"

    def parts(self) -> list[Part]:
        """The three parts of RFC 5965 2."""
        feedback = (
            "Feedback-Type: abuse\nUser-Agent: AbuseDesk/1.0\nVersion: 1\n"
            f"Original-Mail-From: <orders@{home.DOMAIN}>\nSource-IP: {home.ADDRESS}\n"
        )
        original = f"From: orders@{home.DOMAIN}\nSubject: Your order\n\nThank you.\n"
        return [
            Part("text/plain", b"A reader says that this is spam."),
            Part("message/feedback-report", feedback.encode()),
            Part("message/rfc822", original.encode()),
        ]


REPORTS: tuple[type[Sender], ...] = (DmarcReporter, FullReporter, TlsReporter, AbuseDesk)
