import threading
import time

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text

from storage.journal import timescale
from storage.journal.database import address_of, open_engine
from storage.journal.errors import BadJournal
from storage.journal.journal import Journal
from storage.journal.migrating import upgrade, written
from storage.journal.reading import read
from storage.journal.records import DataHealth
from storage.journal.tables import SCHEMA
from storage.journal.versions import KNOWN, must_be_newest, newest, version_of


@pytest.fixture
def engine(journal_url):
    made = open_engine(address_of(journal_url))
    yield made
    made.dispose()


def test_models_and_migrations_agree(engine):
    upgrade(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, SCHEMA) == []


def test_an_upgrade_says_from_where_to_where_and_a_second_changes_nothing(engine):
    assert upgrade(engine) == (None, newest())
    assert upgrade(engine) == (newest(), newest())
    must_be_newest(engine)


def test_a_journal_of_an_earlier_house_is_moved_on(engine):
    upgrade(engine)
    with engine.begin() as connection:
        for table in ("reversals", "conversions"):
            connection.execute(text(f"DROP TABLE {table}"))
        for column in ("venue", "amount_usd"):
            connection.execute(text(f"ALTER TABLE commands DROP COLUMN {column}"))
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    with pytest.raises(BadJournal, match="run `argonaut journal upgrade`"):
        must_be_newest(engine)
    assert upgrade(engine) == ("0001", newest())
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), SCHEMA) == []


def test_two_that_make_a_journal_at_once_make_one(journal_url):
    opened, errors = [], []

    def make():
        try:
            opened.append(Journal.open(journal_url, lambda: 1))
        except BadJournal as error:
            errors.append(error)

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for journal in opened:
        journal.close()
    assert errors == []
    assert len(opened) == 4


def test_tables_of_a_later_house_are_refused(journal_url, engine):
    upgrade(engine)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(BadJournal, match="found 9999: a later house wrote it"):
        Journal.open(journal_url, lambda: 1)


def test_a_strangers_database_is_left_as_it_was(journal_url, engine):
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE recipes (name TEXT)"))
    with pytest.raises(BadJournal, match="found the tables recipes"):
        Journal.open(journal_url, lambda: 1)
    with engine.connect() as connection:
        assert version_of(connection) is None


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mysql://host/name", "sqlite:// or postgresql://"),
        ("nonsense://", "sqlite:// or postgresql://"),
        ("sqlite://", "memory forgets"),
        ("postgresql://u:secret@127.0.0.1:1/nothing", "expected a journal at postgresql"),
    ],
)
def test_an_address_that_names_no_journal_is_refused_without_its_password(url, words):
    with pytest.raises(BadJournal, match=words) as refusal:
        Journal.open(url, lambda: 1)
    assert "secret" not in str(refusal.value)


def test_a_file_that_is_no_database_is_refused(tmp_path):
    (tmp_path / "journal.sqlite").write_text("a letter to my aunt, long enough to be no database" * 30)
    with pytest.raises(BadJournal, match=r"journal\.sqlite"):
        Journal.open(tmp_path / "journal.sqlite", lambda: 1)


def test_reading_makes_no_file(tmp_path):
    with pytest.raises(BadJournal, match="found no file"):
        open_engine(address_of(tmp_path / "none" / "journal.sqlite"), reads_only=True)
    assert list(tmp_path.iterdir()) == []


_STAND_INS = """
CREATE TABLE called (what TEXT);
CREATE FUNCTION by_range(name TEXT, part BIGINT) RETURNS TEXT LANGUAGE SQL AS $$ SELECT name || ' by ' || part $$;
CREATE FUNCTION create_hypertable(name TEXT, dimension TEXT, migrate_data BOOLEAN) RETURNS VOID LANGUAGE SQL AS
$$ INSERT INTO called VALUES ('cut ' || name || ' ' || dimension) $$;
CREATE FUNCTION set_integer_now_func(name TEXT, now_func TEXT) RETURNS VOID LANGUAGE SQL AS
$$ INSERT INTO called VALUES (now_func || ' for ' || name) $$;
CREATE FUNCTION add_retention_policy(name TEXT, drop_after BIGINT) RETURNS VOID LANGUAGE SQL AS
$$ INSERT INTO called VALUES ('forget ' || name || ' after ' || drop_after) $$;
"""


def test_with_timescale_tables_are_cut_by_the_day_and_only_what_no_restart_needs_is_forgotten(postgres):
    url = postgres()
    engine = open_engine(address_of(url))
    upgrade(engine)
    with engine.begin() as connection:
        assert timescale.is_there(connection) is False
        connection.execute(text(_STAND_INS))
        timescale.set_up(connection)
        called = [row[0] for row in connection.execute(text("SELECT what FROM called"))]
        now_ns = connection.execute(text("SELECT argonaut_now_ns()")).scalar()
    engine.dispose()
    assert "cut order_events at_ns by 86400000000000" in called
    forgotten = [what for what in called if what.startswith("forget")]
    assert [what.split()[1] for what in forgotten] == ["decisions", "data_health"]
    assert abs(now_ns - time.clock_gettime_ns(time.CLOCK_REALTIME)) < 3600 * 10**9
    journal = Journal.open(url, lambda: 5)
    journal.note(DataHealth(run="r", at_ns=1, source="s", kind="gap", instrument=None, detail={}))
    assert journal.find(lambda connection: len(list(read(connection, DataHealth)))) == 1
    journal.close()


def test_sqlite_has_no_timescale(tmp_path):
    engine = open_engine(address_of(tmp_path / "journal.sqlite"))
    with engine.connect() as connection:
        assert timescale.is_there(connection) is False
    engine.dispose()


def test_the_versions_that_this_house_names_are_those_that_it_has_steps_for():
    assert written() == KNOWN
