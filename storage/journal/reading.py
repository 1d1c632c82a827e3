"""What the journal holds, read back as records."""

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, func, select

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


def read_last[R: Record](connection: Connection, kind: type[R], *where: ColumnElement[bool]) -> R | None:
    """Return the record of a kind that was told last, or None."""
    table = TABLES[kind]
    row = connection.execute(select(table).where(*where).order_by(table.c.id.desc()).limit(1)).first()
    return None if row is None else _record(kind, row)


def read_last_of_each[R: Record](
    connection: Connection, kind: type[R], by: tuple[str, ...], *where: ColumnElement[bool]
) -> list[R]:
    """Return of each group of equal `by` the record that was told last, in the order of telling."""
    table = TABLES[kind]
    last = select(func.max(table.c.id)).where(*where).group_by(*(table.c[name] for name in by))
    rows = connection.execute(select(table).where(table.c.id.in_(last)).order_by(table.c.id))
    return [_record(kind, row) for row in rows]


def kept_in(connection: Connection, scope: str) -> dict[str, Plain]:
    """Return what a scope keeps, by name."""
    table = TABLES[Kept]
    return {one.name: one.plain for one in read(connection, Kept, table.c.scope == scope)}


def _record[R: Record](kind: type[R], row: Row[Any]) -> R:
    return kind(**{field.name: getattr(row, field.name) for field in fields(kind)})
