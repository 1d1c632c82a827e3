from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from markets.facts import OraclePrice
from storage.catalog import CatalogWriter
from storage.reading import CatalogReader

LAST = 60


@pytest.fixture(scope="module")
def sessions(tmp_path_factory, shared_toy):
    """Two markets in three sessions with shared nanoseconds, and facts under two identifiers."""
    toy = shared_toy
    root = tmp_path_factory.mktemp("catalog")
    one, two = toy.make_market(), toy.make_market("KXBTC15M-B-30")
    for times in ([1, 1, 1, 5, 9], [20, 20, 21, 30, 30], [50, 55, 55, LAST]):
        data = [toy.delta(one.yes, at, count) for count, at in enumerate(times, 1)]
        data += [toy.quote(one.yes, at) for at in times[:2]] + [toy.trade(one.yes, at) for at in times[2:]]
        data += [toy.oracle(at, str(count)) for count, at in enumerate(times, 1)]
        data += [toy.oracle(at, symbol="ETH-USD") for at in times]
        if times[0] > 1:
            data += [toy.delta(two.yes, at + 1, 7) for at in times]
        with CatalogWriter(root) as writer:
            writer.write([one.yes, one.no, two.yes, two.no], data)
    return CatalogReader(root), one.yes, two.yes


@given(cuts=st.lists(st.integers(0, LAST + 2), max_size=6).map(sorted))
@settings(max_examples=40, deadline=None)
def test_windows_put_together_equal_one_big_read(sessions, shared_toy, cuts):
    reader, one, two = sessions
    start = shared_toy.START
    edges = [start, *(start + cut for cut in cuts), start + LAST + 2]
    windows = [reader.window(*edge) for edge in pairwise(edges)]
    whole = reader.window(edges[0], edges[-1])
    for kind in ("deltas", "quotes", "trades"):
        for name, rows in getattr(whole, kind).items():
            assert [row for window in windows for row in getattr(window, kind).get(name, [])] == rows
    told = [fact.data for window in windows for fact in window.facts]
    assert told == [fact.data for fact in whole.facts]
    assert [fact.ts_init for fact in told] == sorted(fact.ts_init for fact in told)
    assert set(whole.deltas) == {one.id, two.id}


def test_records_of_one_nanosecond_keep_the_order_in_which_they_were_written(sessions, shared_toy):
    reader, one, _ = sessions
    found = reader.deltas(one.id, reader.first_ns, reader.last_ns + 1)
    assert [delta.sequence for delta in found] == [1, 2, 3, 4, 5, 1, 2, 3, 4, 5, 1, 2, 3, 4]


def test_a_window_holds_its_start_and_not_its_end(sessions, shared_toy):
    reader, one, _ = sessions
    start = shared_toy.START
    assert [row.ts_init - start for row in reader.deltas(one.id, start + 5, start + 20)] == [5, 9]
    assert reader.deltas(one.id, start + 5, start + 5) == []


def test_the_extent_covers_data_and_facts_of_all_sessions(sessions, shared_toy):
    reader, _, _ = sessions
    assert (reader.first_ns, reader.last_ns) == (shared_toy.START + 1, shared_toy.START + LAST + 1)


def test_what_is_active_is_known_from_file_names(sessions, shared_toy):
    reader, one, two = sessions
    start = shared_toy.START
    assert reader.active(start, start + 1) == []
    assert reader.active(start + 5, start + 6) == [one.id]
    assert reader.active(start + 25, start + 26) == [one.id, two.id]
    assert reader.active(start + LAST + 1, start + LAST + 2) == [two.id]


def test_where_nothing_is_there_the_answer_is_empty(sessions, shared_toy):
    reader, one, two = sessions
    start = shared_toy.START
    assert reader.quotes(two.id, start, start + LAST) == []
    assert reader.trades(one.id, start + 10, start + 20) == []
    assert reader.facts(OraclePrice, start + 10, start + 20) == []


def test_a_window_that_ends_before_it_starts_is_refused(sessions, shared_toy):
    reader, one, _ = sessions
    with pytest.raises(ValueError, match="ends after it starts"):
        reader.deltas(one.id, shared_toy.START + 5, shared_toy.START + 4)


def test_a_missing_catalog_names_what_fills_it(tmp_path):
    with pytest.raises(FileNotFoundError, match="argonaut import kalshi-recording"):
        CatalogReader(tmp_path / "nowhere")


def test_a_catalog_of_instruments_only_has_no_extent(tmp_path, toy):
    with CatalogWriter(tmp_path) as writer:
        writer.write([toy.make_market().yes], [])
    reader = CatalogReader(tmp_path)
    assert len(reader.instruments()) == 1
    with pytest.raises(LookupError, match="found none"):
        _ = reader.first_ns


def test_what_is_written_later_is_not_seen(tmp_path, toy):
    yes = toy.make_market().yes
    with CatalogWriter(tmp_path) as writer:
        writer.write([yes], [toy.delta(yes, 1), toy.delta(yes, 9)])
    reader = CatalogReader(tmp_path)
    with CatalogWriter(tmp_path) as writer:
        writer.write([], [toy.delta(yes, 10)])
    assert len(reader.deltas(yes.id, toy.START, toy.START + 99)) == 2
    assert len(CatalogReader(tmp_path).deltas(yes.id, toy.START, toy.START + 99)) == 3
