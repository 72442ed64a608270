"""The tables in their newest form; :mod:`monitor.store.migrations` takes older ones along."""

from __future__ import annotations

from sqlalchemy import DDL, Index, event, text
from sqlmodel import Field, SQLModel

from monitor.store.migrations import ENTRIES_STAY


class Meta(SQLModel, table=True):
    """What this database is: rows ``application`` and ``schema``."""

    key: str = Field(primary_key=True)
    value: str


class TransactionRow(SQLModel, table=True):
    """One record of the event contract, with what filters ask for in columns of its own."""

    __tablename__ = "transactions"

    n: int | None = Field(default=None, primary_key=True)  # order of arrival
    id: str = Field(unique=True)
    session: str = Field(index=True)
    started: float
    ended: float = Field(index=True)
    client_ip: str
    ip_key: str = Field(index=True)
    helo: str | None
    name: str | None
    mail_from: str | None
    author: str | None
    subject: str | None
    message_id: str | None
    size: int | None
    code: int
    reply: str
    phase: str
    by: str
    tls_protocol: str | None
    tls_cipher: str | None
    worst: int = Field(default=-1, index=True)
    record: bytes  # the record as JSON, late findings not included


class RecipientRow(SQLModel, table=True):
    """One recipient of a transaction."""

    __tablename__ = "recipients"

    n: int | None = Field(default=None, primary_key=True)
    transaction_id: str = Field(index=True)
    address: str


class FindingRow(SQLModel, table=True):
    """One finding of a transaction. ``late`` is its JSON where it came after the record."""

    __tablename__ = "findings"

    n: int | None = Field(default=None, primary_key=True)
    transaction_id: str = Field(index=True)
    code: str = Field(index=True)
    severity: int
    late: bytes | None = None


class TranscriptRow(SQLModel, table=True):
    """Every event of a session, JSON lines, deflated."""

    __tablename__ = "transcripts"

    session: str = Field(primary_key=True)
    ended: float = Field(index=True)
    events: bytes


class EntryRow(SQLModel, table=True):
    """A ban or allowance. Rows only end, once (triggers see to it): they are the audit trail."""

    __tablename__ = "entries"

    id: int | None = Field(default=None, primary_key=True)
    list: str
    kind: str
    value: str
    action: str
    reason: str
    by: str
    created: float
    expires: float | None
    ended: float | None = None
    ended_by: str | None = None
    hits: int = 0


for _statement in ENTRIES_STAY:
    event.listen(
        EntryRow.__table__,  # type: ignore[attr-defined]
        "after_create",
        DDL(_statement).execute_if(dialect="sqlite"),  # type: ignore[no-untyped-call]
    )


class MemoryRow(SQLModel, table=True):
    """What findings remember: opaque values by kind and key."""

    __tablename__ = "memory"
    __table_args__ = (
        Index("ix_memory_newest", "kind", "expires"),
        Index("ix_memory_due", "kind", "due", sqlite_where=text("due IS NOT NULL")),
        {"sqlite_with_rowid": False},
    )

    kind: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    value: bytes
    expires: float = Field(index=True)
    due: float | None = None
