"""How records become rows: many in one statement, all of a batch in one transaction."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from operator import attrgetter
from typing import Any, Final

from sqlalchemy import Connection, Insert, Table, insert, select, text
from sqlalchemy.dialects import postgresql, sqlite

from storage.journal.records import Kept, Record
from storage.journal.tables import TABLES

type Noted = tuple[int, Record]
"""When the journal was told, and what."""

_NAMES: Final = {kind: tuple(field.name for field in fields(kind)) for kind in TABLES}
_VALUES: Final[dict[type[Record], Callable[[Record], tuple[Any, ...]]]] = {
    kind: attrgetter(*names) for kind, names in _NAMES.items()
}
_INSERTS: Final = {kind: insert(table) for kind, table in TABLES.items() if kind is not Kept}


def write(connection: Connection, noted: Sequence[Noted]) -> None:
    """Write records, those of a table in the order in which they were told."""
    rows: dict[type[Record], list[dict[str, Any]]] = {}
    kept: dict[tuple[str, str], dict[str, Any]] = {}
    for noted_ns, record in noted:
        kind = type(record)
        row = dict(zip(_NAMES[kind], _VALUES[kind](record), strict=True))
        row["noted_ns"] = noted_ns
        if isinstance(record, Kept):
            kept[record.scope, record.name] = row  # only the last of a batch is ever read
        else:
            rows.setdefault(kind, []).append(row)
    for kind, many in rows.items():
        connection.execute(_INSERTS[kind], many)
    if kept:
        connection.execute(_keep(connection.dialect.name), list(kept.values()))


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


def _keep(dialect: str) -> Insert:
    make = postgresql.insert if dialect == "postgresql" else sqlite.insert
    statement = make(TABLES[Kept])
    changed = {name: statement.excluded[name] for name in ("noted_ns", "run", "at_ns", "plain")}
    return statement.on_conflict_do_update(index_elements=["scope", "name"], set_=changed)
