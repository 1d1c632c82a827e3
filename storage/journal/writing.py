"""How records become rows: many in one statement, all of a batch in one transaction.

The statements are written out here, since every row that the driver steps through alone gives the interpreter's
lock away and wants it back: with 500 of them a busy loop waits 500 times (measured, decision 15).
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from functools import cache
from itertools import chain, starmap
from operator import attrgetter
from typing import Any, Final

from sqlalchemy import Connection, Dialect, Table, select, text

from storage.journal.records import Kept, Record
from storage.journal.tables import TABLES

type Noted = tuple[int, Record]
"""When the journal was told, and what."""

type Convert = Callable[[Any], Any] | None

_NAMES: Final = {kind: tuple(field.name for field in fields(kind)) for kind in TABLES}
_VALUES: Final[dict[type[Record], Callable[[Record], tuple[Any, ...]]]] = {
    kind: attrgetter(*names) for kind, names in _NAMES.items()
}
_IN_PLACE: Final = ' ON CONFLICT ("scope", "name") DO UPDATE SET ' + ", ".join(
    f'"{name}" = excluded."{name}"' for name in ("noted_ns", "run", "at_ns", "plain")
)
_CONVERTERS: dict[tuple[str, str], tuple[Convert, ...]] = {}


def write(connection: Connection, noted: Sequence[Noted]) -> None:
    """Write records, those of a table in the order in which they were told."""
    rows: dict[type[Record], list[tuple[Any, ...]]] = {}
    kept: dict[tuple[str, str], tuple[Any, ...]] = {}
    dialect = connection.dialect
    for noted_ns, record in noted:
        kind = type(record)
        row = (
            noted_ns,
            *starmap(_converted, zip(_converters(kind, dialect), _VALUES[kind](record), strict=True)),
        )
        if isinstance(record, Kept):
            kept[record.scope, record.name] = row  # only the last of a batch is ever read
        else:
            rows.setdefault(kind, []).append(row)
    if kept:
        rows[Kept] = list(kept.values())
    for kind, many in rows.items():
        statement = _insert(TABLES[kind].name, ("noted_ns", *_NAMES[kind]), dialect.name, len(many))
        values = tuple(chain.from_iterable(many))
        connection.exec_driver_sql(statement + (_IN_PLACE if kind is Kept else ""), values)


@contextmanager
def begin(connection: Connection, *, is_lasting: bool) -> Iterator[None]:
    """Run a transaction; its commit waits for the disk when it is lasting.

    A commit that does not wait survives the end of the process, not that of the machine. The next one that
    waits takes it along: both databases write one log in the order of the commits.
    """
    is_sqlite = connection.dialect.name == "sqlite"
    if is_sqlite:
        raw: Any = connection.connection.dbapi_connection
        raw.execute(f"PRAGMA synchronous = {'FULL' if is_lasting else 'NORMAL'}")
    with connection.begin():
        if not (is_sqlite or is_lasting):
            connection.execute(text("SET LOCAL synchronous_commit TO off"))
        yield


def last_noted_ns(connection: Connection) -> int:
    """Return when the journal was last told something, or 0."""
    return max(_last(connection, table) for table in TABLES.values())


def _last(connection: Connection, table: Table) -> int:
    last = connection.execute(select(table.c.noted_ns).order_by(table.c.id.desc()).limit(1)).scalar()
    return last or 0


def _converted(convert: Convert, value: Any) -> Any:
    return value if convert is None else convert(value)


def _converters(kind: type[Record], dialect: Dialect) -> tuple[Convert, ...]:
    table = TABLES[kind]
    known = _CONVERTERS.get((table.name, dialect.name))
    if known is None:
        types = (table.c[name].type.dialect_impl(dialect) for name in _NAMES[kind])
        known = _CONVERTERS[table.name, dialect.name] = tuple(one.bind_processor(dialect) for one in types)
    return known


@cache
def _insert(table: str, names: tuple[str, ...], dialect: str, count: int) -> str:
    row = f"({', '.join(['?' if dialect == 'sqlite' else '%s'] * len(names))})"
    columns = ", ".join(f'"{name}"' for name in names)
    return f'INSERT INTO "{table}" ({columns}) VALUES {", ".join([row] * count)}'
