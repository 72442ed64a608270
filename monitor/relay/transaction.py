"""One transaction: what came since MAIL."""

from __future__ import annotations

from typing import Literal

from monitor import events as ev
from monitor.checks.case import RecipientsReport, SenderReport
from monitor.policy.ruling import Verified
from monitor.relay.begun import Outcome
from monitor.relay.replies import Answer

State = Literal["none", "accepted", "refused", "unknown", "accepted-unacknowledged"]


class Transaction:
    """MAIL was accepted; this is what came since."""

    def __init__(self, id: str, mail_from: str, params: tuple[str, ...], answer: Answer) -> None:
        self.id = id
        self.mail_from = mail_from
        self.params = params
        self.rcpts: list[str] = []  # accepted recipients
        self.tried = 0
        self.unchecked: list[str] = []  # recipients, accepted or not
        self.verified: Verified | None = None
        self.checking: Outcome[SenderReport] | None = None
        self.sender: SenderReport | None = None
        self.routing: Outcome[RecipientsReport] | None = None
        self.last = answer
        self.phase: ev.Phase = "mail"
        self.announced = False  # its Mail event is out; findings wait for that
        self.pending: list[ev.Finding] = []

    def decided(self, answer: Answer, phase: ev.Phase) -> None:
        """Keep the reply that would decide it if the client went no further."""
        self.last, self.phase = answer, phase
