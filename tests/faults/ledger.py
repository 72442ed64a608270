"""What was sent, what the client was told, and what came: is any message lost, altered, doubled?"""

from __future__ import annotations

import hashlib
import random
import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Literal

Told = Literal["accepted", "deferred", "refused", "unknown"]
Key = tuple[str, tuple[str, ...], str]  # sender, recipients, hash of the content

_ID = re.compile(rb"^Message-ID: <([^>]*)>", re.MULTILINE)
_ODD = (b".", b"..", b"...x", b"", b"From here", b"x" * 900, b"QUIT", b"\xc3\xa9", b" .")


@dataclass(frozen=True, slots=True)
class Message:
    """One message; ``content`` is CRLF lines without dot stuffing."""

    id: str
    sender: str
    rcpts: tuple[str, ...]
    content: bytes

    @property
    def key(self) -> Key:
        """What must come as it was sent."""
        return self.sender, self.rcpts, hashlib.sha256(self.content).hexdigest()


@dataclass
class Ledger:
    """Counts messages by their ids. ``people`` is how many write and are written to."""

    people: int = 1_000_000
    sent: dict[str, tuple[Key, bool]] = field(default_factory=dict)  # and if it is doubtful
    told: dict[str, list[Told]] = field(default_factory=lambda: defaultdict(list))
    came: dict[str, list[Key]] = field(default_factory=lambda: defaultdict(list))
    accepted: int = 0  # replies
    unmade: int = 0  # arrivals without an id of ours
    why: Counter[str] = field(default_factory=Counter)  # replies that were no success

    def make(self, chance: random.Random, *, doubtful: bool = False) -> Message:
        """A new message; one of ten is of 100 kB.

        ``doubtful``: a reply to its dot may be lost, on either side. Each attempt that ends so
        may bring a message more (RFC 1047); else there is one for each.
        """
        number = len(self.sent)
        id = f"{number}.{chance.getrandbits(48):012x}@ledger.test"
        who = number % self.people
        rcpts = tuple(f"r{n}.{who}@home.test" for n in range(chance.choice((1, 1, 1, 2, 3))))
        lines = [chance.choice(_ODD) for _ in range(chance.randrange(12))]
        if chance.random() < 0.1:
            lines += [b"y" * 76] * 1_300
        head = f"From: a@s{who}.test\r\nSubject: {number}\r\nMessage-ID: <{id}>\r\n\r\n"
        content = head.encode() + b"".join(line + b"\r\n" for line in lines)
        message = Message(id, f"a@s{who}.test", rcpts, content)
        self.sent[id] = message.key, doubtful
        return message

    def arrived(self, sender: str, rcpts: tuple[str, ...], content: bytes) -> None:
        """The upstream took a message."""
        found = _ID.search(content)
        if found is None or (id := found[1].decode()) not in self.sent:
            self.unmade += 1
            return
        self.came[id].append(Message(id, sender, rcpts, content).key)

    def tell(self, id: str, told: Told) -> None:
        """What the client heard at the end of an attempt."""
        self.told[id].append(told)
        self.accepted += told == "accepted"

    def faults(self) -> dict[str, list[str]]:
        """The ids of messages to which something happened that must not; {} is as it should be."""
        found: dict[str, list[str]] = defaultdict(list)
        for id, (sent, doubtful) in self.sent.items():
            told, came = self.told[id], self.came[id]
            if "refused" in told:
                found["refused"].append(id)
            if told.count("accepted") != 1:
                found["not accepted"].append(id)
            elif not came:
                found["lost"].append(id)
            if any(key != sent for key in came):
                found["altered"].append(id)
            if len(came) > 1 + (told.count("unknown") if doubtful else 0):
                found["doubled"].append(id)
        if self.unmade:
            found["not sent by us"] = [str(self.unmade)]
        return dict(found)
