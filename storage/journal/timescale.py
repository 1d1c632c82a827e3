"""Hypertables and retention, where a PostgreSQL has TimescaleDB; without it nothing happens.

Read in TimescaleDB's documentation of 2.x, run only against stand-ins of its functions: no wheel brings the
extension (docs/storage.md). What a restart needs is never dropped: only signals and data health grow old.
"""

from collections.abc import Iterator
from typing import Final

from sqlalchemy import Connection, text

_DAY_NS: Final = 86_400_000_000_000
_HYPERTABLES: Final = ("decisions", "verdicts", "order_events", "ledger_entries", "positions", "data_health")
_KEPT_DAYS: Final = {"decisions": 90, "data_health": 90}
_NOW: Final = """
CREATE OR REPLACE FUNCTION argonaut_now_ns() RETURNS BIGINT LANGUAGE SQL STABLE AS
$$ SELECT (extract(epoch FROM now()) * 1000000000)::BIGINT $$
"""


def is_there(connection: Connection) -> bool:
    """Return whether the database has the extension; an operator creates it, we do not."""
    if connection.dialect.name != "postgresql":
        return False
    found = connection.execute(text("SELECT 1 FROM pg_extension WHERE extname = 'timescaledb'"))
    return found.first() is not None


def set_up(connection: Connection) -> None:
    """Make hypertables of the tables that grow, by the day, and let some of them forget after 90 days."""
    for statement in _statements():
        connection.execute(text(statement))


def _statements() -> Iterator[str]:
    yield _NOW
    for table in _HYPERTABLES:
        # Every unique key of a hypertable must hold the column by which it is cut.
        yield f'ALTER TABLE "{table}" DROP CONSTRAINT "{table}_pkey"'
        yield f'ALTER TABLE "{table}" ADD CONSTRAINT "{table}_pkey" PRIMARY KEY (id, at_ns)'
        yield f"SELECT create_hypertable('{table}', by_range('at_ns', {_DAY_NS}), migrate_data => true)"
        yield f"SELECT set_integer_now_func('{table}', 'argonaut_now_ns')"
        if days := _KEPT_DAYS.get(table):
            yield f"SELECT add_retention_policy('{table}', drop_after => BIGINT '{days * _DAY_NS}')"
