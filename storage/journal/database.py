"""Where a journal lies, and how its database is spoken to: SQLite in WAL mode, or PostgreSQL."""

import sqlite3
from pathlib import Path
from typing import Any, Final

from msgspec import json
from sqlalchemy import URL, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from storage.journal.errors import BadJournal

_BUSY_MS: Final = 10_000
_SCHEMES: Final = ("sqlite", "postgresql")


def address_of(url: str | Path) -> URL:
    """Return the address that `url` names: a file's path, `sqlite:///file`, `postgresql://user@host/name`.

    BadJournal when it names neither.
    """
    text = str(url)
    if "://" not in text:
        return URL.create("sqlite", database=text)
    try:
        address = make_url(text)
    except ArgumentError as error:
        raise BadJournal(f"expected the address of a journal, found {text!r}") from error
    scheme = address.get_backend_name()
    if scheme not in _SCHEMES:
        raise BadJournal(f"expected a journal at sqlite:// or postgresql://, found {address!r}")
    if scheme == "sqlite" and not address.database:
        raise BadJournal("expected a file for the journal, found sqlite:// without one: memory forgets")
    return address.set(drivername="postgresql+psycopg") if scheme == "postgresql" else address


def open_engine(address: URL, *, reads_only: bool = False) -> Engine:
    """Return an engine for `address`; the folder of a SQLite file is made unless one only reads.

    BadJournal when a file is to be read that is not there.
    """
    if address.get_backend_name() == "sqlite":
        _see_to_file(Path(address.database or ""), reads_only=reads_only)
    engine = create_engine(
        address,
        json_serializer=lambda value: json.encode(value).decode(),
        json_deserializer=json.decode,
    )
    if address.get_backend_name() == "sqlite":
        event.listen(engine, "connect", _prepare)
        event.listen(engine, "begin", _begin_reading if reads_only else _begin_writing)
    return engine


def _see_to_file(file: Path, *, reads_only: bool) -> None:
    if reads_only and not file.exists():
        raise BadJournal(f"expected a journal at {file}, found no file")
    file.parent.mkdir(parents=True, exist_ok=True)


def _prepare(connection: sqlite3.Connection, _: Any) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves, so that DDL too is part of a transaction
    connection.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")


def _begin_reading(connection: Any) -> None:
    connection.exec_driver_sql("BEGIN")


def _begin_writing(connection: Any) -> None:
    # Who begins to read and then writes is refused at once when another has written in between.
    connection.exec_driver_sql("BEGIN IMMEDIATE")
