"""What is said of late and missing data."""

import pytest

from markets.facts import DataGap
from storage.journal.journal import Journal
from storage.journal.reading import read
from storage.journal.records import Alert, DataHealth
from system.crew import RunFailed
from system.health import Health
from system.run_journal import RunJournal

SECOND = 1_000_000_000


@pytest.fixture
def kept(tmp_path):
    journal = Journal.open(str(tmp_path / "journal.sqlite"), lambda: 1)
    yield RunJournal(journal, "r", "sandbox", "b", lambda: 1)
    journal.close()


def found(kept, kind):
    return kept.journal.find(lambda connection: list(read(connection, kind)))


def look_late(health, clock, secs, looks):
    for _ in range(looks):
        clock[0] += SECOND
        health.hear(clock[0] - secs * SECOND)
        health.look()


def test_a_gap_is_written_down_with_its_span_and_reason(kept):
    gap = DataGap(
        ts_event=5, ts_init=9, venue="KALSHI", series="KXA", market="KXA-B", until_ns=9, reason="lost"
    )
    Health(kept, lambda: 10).note_gap(gap)
    (row,) = found(kept, DataHealth)
    assert (row.source, row.kind, row.instrument) == ("KALSHI", "gap", "KXA-B")
    assert row.detail == {"from_ns": 5, "to_ns": 9, "reason": "lost"}


def test_an_engine_that_falls_behind_is_told_once_and_when_it_has_caught_up(kept):
    clock = [1_000 * SECOND]
    health = Health(kept, lambda: clock[0])
    look_late(health, clock, 8, 40)
    assert [row.kind for row in found(kept, DataHealth)] == ["late"]
    assert [row.text for row in found(kept, Alert)] == ["the engine tells quotes 8.0 s after they arrived"]
    look_late(health, clock, 0, 1)
    assert [row.kind for row in found(kept, DataHealth)] == ["late", "timely"]


def test_an_engine_that_is_a_minute_behind_ends_the_run(kept):
    clock = [1_000 * SECOND]
    health = Health(kept, lambda: clock[0])
    with pytest.raises(RunFailed, match="found it 61"):
        look_late(health, clock, 61, 20)


def test_the_old_quote_of_a_quiet_market_is_no_lateness(kept):
    clock = [1_000 * SECOND]
    health = Health(kept, lambda: clock[0])
    health.hear(clock[0] - 900 * SECOND)
    for _ in range(50):
        health.look()
    assert found(kept, DataHealth) == []
