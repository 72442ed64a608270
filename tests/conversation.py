"""Scripted conversations: who said what to whom, and when, by a clock of their own.

    world = World()
    client = world.connect("192.0.2.1")
    client.ehlo("mx.sender.example")
    client.mail("a@sender.example")
    client.rcpt("b@here.example", "450 4.2.0 Greylisted")
    client.quit()
    world.wait(300)
    assert world.severity("greylist.deferred") == "info"

What is scripted is the wire; the events are those that a relay emits, in its order, and what
comes of them went through the assembler and every discipline. Waiting ticks the clock-driven
disciplines once a virtual minute.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Sequence

from monitor import events as ev
from monitor.assembler import Assembler, Output
from monitor.config import Settings
from monitor.findings.disciplines import default
from monitor.findings.memory import Bounded, Memory

START = 1_800_000_000.0
TURN = 0.05  # seconds between a line and the next
OFFERS = ("PIPELINING", "SIZE 10240000", "STARTTLS", "8BITMIME", "DSN")

_PHASES = {"EHLO": "ehlo", "HELO": "ehlo", "MAIL": "mail", "RCPT": "rcpt", "DATA": "data"}


class World:
    """The relay's side: one clock, one memory, and all findings that were made."""

    def __init__(self, memory: Memory | None = None, *, at: float = START, **settings: object):
        self.settings = Settings(
            **{"name": "mx.here.example", "local_domains": ("here.example",), **settings}
        )
        self.memory = Bounded() if memory is None else memory
        self.now = at
        self.outputs: list[Output] = []
        self.events: list[ev.AnyEvent] = []
        self._ids = itertools.count(1)
        self.start()

    def start(self) -> None:
        """Start the relay, as after a crash: of all that was known, the memory is left."""
        self.disciplines = default(self.settings, self.memory)
        self.assembler = Assembler(self.disciplines)

    def connect(
        self,
        ip: str = "192.0.2.1",
        banner: str = "220 mx.here.example ESMTP",
        *,
        relay: str = "mx1",
        ptr: str | None = None,
    ) -> Client:
        """A client connects; ``ptr`` is its confirmed name."""
        return Client(self, f"s{next(self._ids)}", ip, banner, relay, ptr)

    def wait(self, seconds: float, *, ticking: bool = True) -> None:
        """Let time pass; without ``ticking`` the relay was down meanwhile."""
        end = self.now + seconds
        while ticking and self.now + 60 <= end:
            self.now += 60
            self.tick()
        self.now = end
        self.tick()

    def tick(self) -> None:
        """Tell the clock to those who want to know."""
        for discipline in self.disciplines:
            tick: Callable[[float], Sequence[ev.Found]] | None = getattr(discipline, "tick", None)
            for found in tick(self.now) if tick else ():
                self.feed(found)

    def feed(self, event: ev.AnyEvent) -> None:
        """Take one event, as the hub does."""
        passed, outputs = self.assembler.feed(event)
        self.events.extend(passed)
        self.outputs.extend(outputs)

    def attempt(
        self,
        ip: str = "192.0.2.1",
        reply: str = "250 2.0.0 Queued",
        *,
        sender: str = "a@sender.example",
        recipient: str = "b@here.example",
        size: int | None = 1_000,
        at: str = "rcpt",
        message_id: str = "",
        relay: str = "mx1",
        ptr: str | None = None,
        helo: str = "mx.sender.example",
        spf: str = "",
    ) -> list[ev.Finding]:
        """A whole session with one message, answered with ``reply`` at phase ``at``.

        A 2xx always means accepted at the end of the message. Gives what was found.
        """
        before = len(self.outputs)
        client = self.connect(ip, relay=relay, ptr=ptr)
        client.ehlo(helo)
        fails = reply[0] != "2"
        if client.mail(sender, reply if fails and at == "mail" else "250 2.1.0 Ok", size=size):
            if spf:
                client.found(
                    ev.Finding(
                        code="spf.pass", severity="good", title="SPF", evidence={"domain": spf}
                    )
                )
            if client.rcpt(recipient, reply if fails and at == "rcpt" else "250 2.1.5 Ok"):
                client.data(reply=reply, message_id=message_id)
        client.quit()
        return [f for output in self.outputs[before:] for f in output.findings]

    def found(self, code: str = "") -> list[ev.Finding]:
        """Every finding told so far with this code or this beginning of one."""
        return [f for output in self.outputs for f in output.findings if f.code.startswith(code)]

    def codes(self, prefix: str = "") -> list[str]:
        """The codes of these."""
        return [f.code for f in self.found(prefix)]

    def severity(self, code: str) -> str | None:
        """The severity of the only finding with this code; None where there is none."""
        found = self.found(code)
        assert len(found) <= 1, found
        return found[0].severity if found else None


class Client:
    """The client's side of one session."""

    def __init__(
        self, world: World, session: str, ip: str, banner: str, relay: str, ptr: str | None
    ):
        self.world, self.session = world, session
        self._transaction = ""
        self._numbers = itertools.count(1)
        self._last = ev.Verdict(code=0, reply="", phase="connect", by="upstream")
        self._emit(
            ev.Opened, relay=relay, ip=ip, port=4_025, local_ip="198.51.100.1", local_port=25
        )
        if ptr:
            self._emit(ev.Named, name=ptr, confirmed=True)
        self.reply(banner, "connect")

    def say(
        self,
        text: str,
        *replies: str,
        pipelined: bool = False,
        by: ev.Speaker = "upstream",
        bare_newline: bool = False,
    ) -> None:
        """A command, and the lines of its reply; none where the reply does not come."""
        verb = text.partition(" ")[0].upper()
        if verb in ("EHLO", "HELO", "MAIL", "RSET", "QUIT"):
            self._end()
        self._emit(
            ev.Command, text=text, pipelined=pipelined, bare_newline=bare_newline, size=len(text)
        )
        if replies:
            phase = _PHASES.get(verb, "rcpt" if self._transaction else "mail")
            self.reply(*replies, phase=phase, by=by)

    def reply(self, *lines: str, phase: ev.Phase = "connect", by: ev.Speaker = "upstream") -> None:
        """What the client hears; unasked when nothing was said before."""
        code = int(lines[0][:3])
        self._emit(ev.Reply, code=code, lines=tuple(line[4:] for line in lines), by=by, phase=phase)
        self._last = ev.Verdict(code=code, reply=lines[0][4:], phase=phase, by=by)

    def ehlo(self, name: str = "mx.sender.example", *offers: str, pipelined: bool = False) -> None:
        """EHLO, accepted; the usual extensions are offered where none are given."""
        lines = ("250-mx.here.example", *(f"250-{offer}" for offer in offers or OFFERS))
        self.say(f"EHLO {name}", *lines, pipelined=pipelined)

    def helo(self, name: str = "mx.sender.example") -> None:
        """HELO, accepted."""
        self.say(f"HELO {name}", "250 mx.here.example")

    def mail(
        self,
        address: str = "a@sender.example",
        reply: str = "250 2.1.0 Ok",
        *params: str,
        size: int | None = None,
        pipelined: bool = False,
        by: ev.Speaker = "upstream",
    ) -> bool:
        """MAIL; true where it was accepted."""
        given = (*params, *(() if size is None else (f"SIZE={size}",)))
        self.say(" ".join((f"MAIL FROM:<{address}>", *given)), reply, pipelined=pipelined, by=by)
        self._transaction = f"{self.session}-{next(self._numbers)}"
        code = int(reply[:3])
        self._emit(
            ev.Mail,
            transaction=self._transaction,
            address=address,
            code=code,
            reply=reply[4:],
            by=by,
            params=given,
        )
        if code >= 400:
            self._end()
        return code < 400

    def rcpt(
        self,
        address: str = "b@here.example",
        reply: str = "250 2.1.5 Ok",
        *,
        pipelined: bool = False,
        by: ev.Speaker = "upstream",
    ) -> bool:
        """RCPT; true where it was accepted."""
        self.say(f"RCPT TO:<{address}>", reply, pipelined=pipelined, by=by)
        code = int(reply[:3])
        self._emit(
            ev.Rcpt,
            transaction=self._transaction,
            address=address,
            code=code,
            reply=reply[4:],
            by=by,
        )
        return code < 400

    def data(self, reply: str = "250 2.0.0 Queued", *, pipelined: bool = False, **content: object):
        """DATA, a message, and the reply to it."""
        self.say("DATA", "354 Go ahead", pipelined=pipelined)
        self.content(reply, **content)

    def content(
        self,
        reply: str = "250 2.0.0 Queued",
        *,
        size: int = 1_000,
        message_id: str = "",
        state: str = "",
        by: ev.Speaker = "upstream",
        **more: object,
    ) -> None:
        """The message itself, and the reply to it."""
        sha256 = hashlib.sha256((message_id or self._transaction).encode()).hexdigest()
        self._emit(
            ev.Content,
            transaction=self._transaction,
            size=size,
            sha256=sha256,
            message_id=message_id,
            **more,
        )
        self.reply(reply, phase="eod", by=by)
        self._end(state or ("accepted" if reply[0] == "2" else "refused"))

    def secure(
        self, protocol: str = "TLSv1.3", cipher: str = "TLS_AES_128_GCM_SHA256", bits: int = 128
    ) -> None:
        """STARTTLS, and a handshake that succeeds."""
        self.say("STARTTLS", "220 2.0.0 Ready")
        self._emit(ev.Secured, side="client", protocol=protocol, cipher=cipher, bits=bits)

    def fail_tls(self, reason: str = "NO_SHARED_CIPHER", **facts: object) -> None:
        """STARTTLS, and a handshake that fails."""
        self.say("STARTTLS", "220 2.0.0 Ready")
        self._emit(ev.TlsFailed, side="client", reason=reason, **facts)

    def found(self, *findings: ev.Finding) -> None:
        """What the checks found about the transaction."""
        self._emit(ev.Found, about=self._transaction or self.session, findings=findings)

    def quit(self) -> None:
        """QUIT."""
        self.say("QUIT", "221 2.0.0 Bye")
        self.close("quit")

    def close(self, how: str = "client") -> None:
        """The connection ends."""
        self._end()
        self._emit(ev.Closed, how=how)

    def _end(self, state: str = "none") -> None:
        if self._transaction:
            self._emit(ev.Ended, transaction=self._transaction, verdict=self._last, state=state)
            self._transaction = ""

    def _emit(self, kind: type[ev.Event], **fields: object) -> None:
        self.world.now += TURN
        self.world.feed(kind(session=self.session, at=self.world.now, **fields))
