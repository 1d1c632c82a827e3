"""The version of a journal's tables: made when the database is empty, moved on by `argonaut journal upgrade`."""

import logging
from importlib.resources import files

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.exc import DBAPIError

from storage.journal import timescale
from storage.journal.errors import BadJournal

# It would tell of each look at a version.
logging.getLogger("alembic.runtime.migration").setLevel(logging.WARNING)

_LOCK = 0x6172676F  # "argo": who moves the tables of a PostgreSQL holds this advisory lock


def newest() -> str:
    """Return the version that this house writes."""
    return str(ScriptDirectory.from_config(_config()).get_current_head())


def version_of(connection: Connection) -> str | None:
    """Return the version of the tables, or None when there are none."""
    return MigrationContext.configure(connection).get_current_revision()


def upgrade(engine: Engine) -> tuple[str | None, str]:
    """Bring the tables to the newest version, or leave all as it was; return the versions before and after.

    Two that do this at once wait for each other. BadJournal when the tables are not ours, or from a later house.
    """
    wanted = newest()
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        before = version_of(connection)
        if before == wanted:
            return before, wanted
        must_be_known(before)
        if before is None and (found := inspect(connection).get_table_names()):
            raise BadJournal(f"expected an empty database or a journal, found the tables {', '.join(found)}")
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        if before is None and timescale.is_there(connection):
            timescale.set_up(connection)
    return before, wanted


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
    known = [one.revision for one in ScriptDirectory.from_config(_config()).walk_revisions()]
    if version is not None and version not in known:
        raise BadJournal(
            f"expected a journal of a version among {', '.join(known)}, found {version}: a later house wrote it"
        )


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(files("storage.journal") / "migrations").replace("%", "%%"))
    return config
