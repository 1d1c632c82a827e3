"""What the journal holds, read back as records."""

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, select

from storage.journal.records import Kept, Plain, Record
from storage.journal.tables import TABLES


def read[R: Record](connection: Connection, kind: type[R], *where: ColumnElement[bool]) -> Iterator[R]:
    """Yield the records of a kind, in the order in which they were told."""
    for _, record in read_noted(connection, kind, *where):
        yield record


def read_noted[R: Record](
    connection: Connection, kind: type[R], *where: ColumnElement[bool]
) -> Iterator[tuple[int, R]]:
    """Yield when the journal was told, and the record."""
    table = TABLES[kind]
    for row in connection.execute(select(table).where(*where).order_by(table.c.noted_ns, table.c.id)):
        yield row.noted_ns, _record(kind, row)


def kept_in(connection: Connection, scope: str) -> dict[str, Plain]:
    """Return what a scope keeps, by name."""
    table = TABLES[Kept]
    return {one.name: one.plain for one in read(connection, Kept, table.c.scope == scope)}


def _record[R: Record](kind: type[R], row: Row[Any]) -> R:
    return kind(**{field.name: getattr(row, field.name) for field in fields(kind)})
