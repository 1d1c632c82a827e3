import threading

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text

from storage.journal.database import address_of, open_engine
from storage.journal.errors import BadJournal
from storage.journal.journal import Journal
from storage.journal.migrating import must_be_newest, newest, upgrade, version_of
from storage.journal.tables import SCHEMA


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
