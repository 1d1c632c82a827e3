"""Makes a journal's tables when the database is empty, and moves them on for `argonaut journal upgrade`."""

import logging
from importlib.resources import files

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, text

from storage.journal import timescale
from storage.journal.errors import BadJournal
from storage.journal.versions import must_be_known, newest, version_of

# It would tell of each look at a version.
logging.getLogger("alembic.runtime.migration").setLevel(logging.WARNING)

_LOCK = 0x6172676F  # "argo": who moves the tables of a PostgreSQL holds this advisory lock


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


def written() -> tuple[str, ...]:
    """Return the versions that there are steps for, in their order."""
    steps = ScriptDirectory.from_config(_config()).walk_revisions()
    return tuple(reversed([one.revision for one in steps]))


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(files("storage.journal") / "migrations").replace("%", "%%"))
    return config
