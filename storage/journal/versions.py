"""Which version a journal's tables have, and whether this house knows it. Loads no Alembic: a halt must not wait for it."""

from typing import Final

from sqlalchemy import Connection, Engine, column, inspect, select, table
from sqlalchemy.exc import DBAPIError

from storage.journal.errors import BadJournal

KNOWN: Final = ("0001", "0002", "0003")
"""The versions of `migrations/versions`, in their order."""

_STAMP: Final = table("alembic_version", column("version_num"))


def newest() -> str:
    """Return the version that this house writes."""
    return KNOWN[-1]


def version_of(connection: Connection) -> str | None:
    """Return the version of the tables, or None when there are none."""
    if not inspect(connection).has_table(_STAMP.name):
        return None
    found: str | None = connection.execute(select(_STAMP.c.version_num)).scalar_one_or_none()
    return found


def must_be_newest(engine: Engine) -> None:
    """Raise BadJournal, with what to do, unless the tables have the version that this house writes."""
    try:
        with engine.connect() as connection:
            found = version_of(connection)
    except DBAPIError as error:
        raise BadJournal(f"expected a journal at {engine.url!r}, found: {error.orig}") from error
    must_be_known(found)
    if found != (wanted := newest()):
        raise BadJournal(
            f"expected a journal of version {wanted} at {engine.url!r}, found {found or 'no tables'}: "
            "run `argonaut journal upgrade`"
        )


def must_be_known(version: str | None) -> None:
    """Raise BadJournal for a version that this house has never heard of."""
    if version is not None and version not in KNOWN:
        raise BadJournal(
            f"expected a journal of a version among {', '.join(KNOWN)}, found {version}: a later house wrote it"
        )
