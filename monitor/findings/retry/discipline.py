"""Retry discipline over events: what each attempt tells, and what silence tells later."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from monitor import events as ev
from monitor.config import Retry as Rules
from monitor.findings.catalogue import finding
from monitor.findings.greylist.replies import Patterns, compiled, recognise
from monitor.findings.memory import Memory
from monitor.findings.outcome import Outcome, outcome
from monitor.findings.pools import Pool, digest, forward_path, pool_of, reverse_path
from monitor.findings.retry import bands
from monitor.findings.retry.attempt import Attempt, Chain
from monitor.findings.retry.book import Book, best
from monitor.findings.retry.downtime import Downtime
from monitor.findings.retry.judge import disciplined, is_fallback, judge, shown
from monitor.findings.views import Session, Transaction

MAX_JUDGED = 100  # recipients of one transaction
MAX_DUE = 200  # keys that one tick looks at
SHUTDOWN = 421
TOO_MANY_RECIPIENTS = 552  # at RCPT a client takes it for 452 (RFC 5321 4.5.3.1.10)


class Retries:
    """A discipline with a memory; ``tick`` finds who gave up."""

    hears = (ev.Ended,)

    def __init__(
        self, rules: Rules, memory: Memory, patterns: Sequence[str] = (), relay: str = ""
    ) -> None:
        """``patterns`` are the operator's own wordings of greylisting. Raises re.error.

        ``relay`` is our name among those that share the memory.
        """
        self._rules = rules
        self._patterns = compiled(patterns)
        self._book = Book(rules, memory)
        self._downtime = Downtime(memory, relay)

    def __call__(self, view: Session, event: ev.Event) -> Iterator[ev.Finding]:
        """What the transaction that ended tells, the worst of its recipients for each code."""
        tx = view.current
        if not isinstance(event, ev.Ended) or tx is None:
            return
        sender, began = reverse_path(tx.mail.address), _began(view, tx)
        worst: dict[str, ev.Finding] = {}
        count: dict[str, int] = {}
        for address, told in _outcomes(tx, event):
            recipient = forward_path(address)
            chains = self._book.open(sender, recipient, began)
            if not chains and told.code < 400:
                continue  # accepted at once, as most mail is
            attempt = _attempt(view, tx, event, told, self._patterns)
            for found in self._take(sender, recipient, chains, attempt, pool_of(view, tx)):
                count[found.code] = count.get(found.code, 0) + 1
                known = worst.get(found.code)
                if known is None or bands.worse(found.severity, known.severity):
                    worst[found.code] = found
        for code, found in worst.items():
            found.evidence["recipients"] = count[code]
            yield found

    def _take(
        self, sender: str, recipient: str, chains: list[Chain], attempt: Attempt, pool: Pool
    ) -> list[ev.Finding]:
        found: list[ev.Finding] = []
        match = best(chains, attempt, pool)
        if match:
            chain, certainty = match
            if is_fallback(self._rules, chain, attempt):
                attempt = msgspec.structs.replace(attempt, fallback=True)
            found = list(judge(self._rules, chain, attempt, pool, certainty))
        else:
            chain = Chain(sender, recipient)
            chains.append(chain)
        if attempt.fate == "accepted":
            good = disciplined(chain, attempt) if match else None
            chains = [each for each in chains if each is not chain]
            found += [good] if good else []
        else:
            chain.gave_up = 0.0
            chain.add(attempt, pool)
        self._book.close(sender, recipient, chains, attempt.ended)
        return found

    def tick(self, now: float) -> Iterator[ev.Found]:
        """Who has given up by ``now``, epoch seconds."""
        self._downtime.tick(now)
        for _, chains in self._book.overdue(now, MAX_DUE):
            for chain in chains:
                due = self._book.due(chain)
                if due is None or due > now:
                    continue
                chain.gave_up = now
                if found := self._gave_up(chain, now):
                    last = chain.last
                    yield ev.Found(
                        session=last.session, at=now, about=last.transaction, findings=(found,)
                    )
            self._book.close(chains[0].sender, chains[0].recipient, chains, now)

    def _gave_up(self, chain: Chain, now: float) -> ev.Finding | None:
        if self._downtime.spans(chain.first.began, now):
            return None
        life = chain.last.ended - chain.first.began
        severity = bands.gave_up(self._rules, life, chain.count > 1)
        if severity is None:
            return None
        if not chain.sender:
            severity = bands.one_down(severity)
        tries = "1 attempt" if chain.count == 1 else f"{chain.count} attempts"
        return finding(
            "retry.gave-up",
            f"{chain.recipient or 'MAIL'}: {tries} in {life / 3_600:.1f} h, then silence "
            f"for {(now - chain.last.ended) / 3_600:.1f} h",
            severity=severity,
            count=chain.count,
            life=round(life, 1),
            silent=round(now - chain.last.ended, 1),
            attempts=shown(chain),
        )


def _began(view: Session, tx: Transaction) -> float:
    return view.opened.at if view.transactions == 1 else tx.mail.at


def _attempt(
    view: Session, tx: Transaction, ended: ev.Ended, told: Outcome, patterns: Patterns
) -> Attempt:
    opened = view.opened
    grey = recognise(told.code, told.reply, patterns)
    return Attempt(
        began=_began(view, tx),
        ended=told.at,
        transaction=tx.id,
        ip=opened.ip,
        listener=digest(opened.relay, opened.local_ip, str(opened.local_port))[:6],
        code=told.code,
        phase=told.phase,
        size=_declared(tx.mail.params),
        message=_message(tx.content),
        asked=(grey.left or 0.0) if grey else 0.0,
        void=ended.state == "unknown" or _void(told),
    )


def _outcomes(tx: Transaction, ended: ev.Ended) -> Iterator[tuple[str, Outcome]]:
    """Each recipient, "" where MAIL was refused, with what was said of it."""
    mail = tx.mail
    if mail.code >= 400:
        # Without a size nothing tells the next message of a sender from this one.
        if mail.code >= 500 or _declared(mail.params):
            yield "", Outcome(mail.code, mail.reply, "mail", mail.at, mail.by)
        return
    for rcpt in tx.rcpts[:MAX_JUDGED]:
        told = outcome(rcpt, ended)
        if told and not (told.phase == "rcpt" and told.code == TOO_MANY_RECIPIENTS):
            yield rcpt.address, told


def _void(told: Outcome) -> bool:
    """A failure that is not the sender's: 421, or a trouble of the relay's own."""
    own = told.by == "mxtap" and told.reply.startswith(("4.3.", "4.4."))
    return told.code == SHUTDOWN or own


def _declared(params: tuple[str, ...]) -> int:
    """The SIZE that MAIL declared (RFC 1870); 0 for none."""
    for param in params:
        name, _, value = param.partition("=")
        if name.upper() == "SIZE" and value.isdecimal():
            return int(value[:20])
    return 0


def _message(content: ev.Content | None) -> str:
    """A digest of a message's identity: its Message-ID, else its octets."""
    if content is None:
        return ""
    return digest("id", content.message_id) if content.message_id else digest(content.sha256)
