"""What the hub and its workers say to each other, beside the events.

Up go events, questions and beats; down go rulings, the lists, and orders. A worker is the
relay's own: what it says is bounded and typed, and one that talks nonsense is replaced.
"""

from __future__ import annotations

import msgspec

from monitor.events import AnyEvent, Phase
from monitor.policy.entry import Entry
from monitor.policy.ruling import Ruling, Stage
from monitor.relay.identity import Method


class Message(msgspec.Struct, frozen=True, kw_only=True, tag_field="event", omit_defaults=True):
    """What is no event; told apart from one by the same field."""


class Ask(Message, frozen=True, kw_only=True, tag="ask"):
    """What is to be done at ``stage``, by the policies that only the hub can ask?"""

    id: int
    stage: Stage


class Beat(Message, frozen=True, kw_only=True, tag="beat"):
    """How a worker fares. The first says that it serves; then one a second."""

    upstream_up: bool | None = None
    met_at: float = 0.0
    identity: Method = ""
    dropped: int = 0  # events that were not told, since its start
    hits: tuple[tuple[int, int], ...] = ()  # entries of the lists that held, and how often
    problems: tuple[str, ...] = ()


class Failed(Message, frozen=True, kw_only=True, tag="failed"):
    """A worker cannot serve."""

    reason: str
    config: bool = False  # the settings are to blame


class Begin(Message, frozen=True, kw_only=True, tag="begin"):
    """The first message to a worker: what it is. Sockets and files in memory are descriptors."""

    number: int
    settings: str  # JSON
    sockets: tuple[int, ...]
    tally: int
    certificate: int = -1  # the one in use, where there is one
    identity: Method = ""  # how it travels upstream, as is known by now
    asked: tuple[Phase, ...] = ()  # where the hub has more to say than the lists


class InForce(Message, frozen=True, kw_only=True, tag="in-force"):
    """The lists, all of them: these entries hold from now on."""

    entries: tuple[Entry, ...]


class Told(Message, frozen=True, kw_only=True, tag="told"):
    """The answer to an :class:`Ask`."""

    id: int
    ruling: Ruling


class Reload(Message, frozen=True, kw_only=True, tag="reload"):
    """Read the certificate anew."""


class Drain(Message, frozen=True, kw_only=True, tag="drain"):
    """Take no more clients, let those that are there end, and end."""


Up = AnyEvent | Ask | Beat | Failed
Down = Begin | InForce | Told | Reload | Drain

decode_up = msgspec.msgpack.Decoder(list[Up]).decode
decode_down = msgspec.msgpack.Decoder(list[Down]).decode
