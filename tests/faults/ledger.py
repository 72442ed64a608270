"""What was sent, what the client was told, and what came: is any message lost, altered, doubled?"""

from __future__ import annotations

import hashlib
import random
import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Literal

Told = Literal["accepted", "deferred", "refused", "unknown"]

_ID = re.compile(rb"^Message-ID: <([^>]*)>", re.MULTILINE)
_ODD = (b".", b"..", b"...x", b"", b"From here", b"x" * 900, b"QUIT", b"\xc3\xa9", b" .")


@dataclass(frozen=True, slots=True)
class Message:
    """One message; ``content`` is CRLF lines without dot stuffing.

    ``doubtful``: a reply to its dot may be lost, on either side. Each attempt that ends so may
    bring a message more (RFC 1047); else there is one for each.
    """

    id: str
    sender: str
    rcpts: tuple[str, ...]
    content: bytes
    doubtful: bool = False

    @property
    def key(self) -> tuple[str, tuple[str, ...], str]:
        """What must come as it was sent."""
        return self.sender, self.rcpts, hashlib.sha256(self.content).hexdigest()


@dataclass
class Ledger:
    """Counts messages by their ids."""

    sent: dict[str, Message] = field(default_factory=dict)
    told: dict[str, list[Told]] = field(default_factory=lambda: defaultdict(list))
    came: dict[str, list[tuple[str, tuple[str, ...], str]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    unmade: int = 0  # arrivals without an id of ours
    why: Counter[str] = field(default_factory=Counter)  # replies that were no success

    def make(self, chance: random.Random, *, doubtful: bool = False) -> Message:
        """A new message; one of ten is of 100 kB."""
        number = len(self.sent)
        id = f"{number}.{chance.getrandbits(48):012x}@ledger.test"
        rcpts = tuple(f"r{n}.{number}@home.test" for n in range(chance.choice((1, 1, 1, 2, 3))))
        lines = [chance.choice(_ODD) for _ in range(chance.randrange(12))]
        if chance.random() < 0.1:
            lines += [b"y" * 76] * 1_300
        head = f"From: a@s{number}.test\r\nSubject: {number}\r\nMessage-ID: <{id}>\r\n\r\n"
        content = head.encode() + b"".join(line + b"\r\n" for line in lines)
        sender = f"a{number % 20}@s{number}.test"
        self.sent[id] = Message(id, sender, rcpts, content, doubtful)
        return self.sent[id]

    def arrived(self, sender: str, rcpts: tuple[str, ...], content: bytes) -> None:
        """The upstream took a message."""
        found = _ID.search(content)
        if found is None or (id := found[1].decode()) not in self.sent:
            self.unmade += 1
            return
        self.came[id].append(Message(id, sender, rcpts, content).key)

    @property
    def accepted(self) -> int:
        """How many messages the client was told are accepted."""
        return sum("accepted" in told for told in self.told.values())

    def faults(self) -> dict[str, list[str]]:
        """The ids of messages to which something happened that must not; {} is as it should be."""
        found: dict[str, list[str]] = defaultdict(list)
        for id, message in self.sent.items():
            told, came = self.told[id], self.came[id]
            if "refused" in told:
                found["refused"].append(id)
            if told.count("accepted") != 1:
                found["not accepted"].append(id)
            elif not came:
                found["lost"].append(id)
            if any(key != message.key for key in came):
                found["altered"].append(id)
            if len(came) > 1 + (told.count("unknown") if message.doubtful else 0):
                found["doubled"].append(id)
        if self.unmade:
            found["not sent by us"] = [str(self.unmade)]
        return dict(found)
