import json

import pytest

from storage.catalog import CatalogWriter
from storage.coverage import Gap, Interval, coverage


@pytest.fixture
def held(tmp_path, toy):
    one, two = toy.make_market(), toy.make_market("KXBTC15M-B-30", recorded_as="trades")
    for at in (0, 100):
        data = [toy.delta(one.yes, at + k) for k in (1, 2, 5)] + [toy.quote(one.yes, at + 3)]
        data += [toy.oracle(at + 9), toy.gap(at + 6, at + 8), toy.trade(two.yes, at + 4)]
        with CatalogWriter(tmp_path) as writer:
            writer.write([one.yes, one.no, two.yes, two.no], data)
    with CatalogWriter(tmp_path) as writer:
        writer.write([], [toy.resolution(200)])
    return coverage(tmp_path)


def test_coverage_tells_sessions_rows_gaps_and_result_of_each_market(held, toy):
    one, two = held.markets
    start = toy.START
    assert (one.market, one.series, one.recorded_as) == (
        "KXBTC15M-A-15.KALSHI",
        "KXBTC15M.KALSHI",
        "recording",
    )
    assert one.intervals["OrderBookDelta"] == (
        Interval(start + 1, start + 5, 3),
        Interval(start + 101, start + 105, 3),
    )
    assert one.rows == {"OrderBookDelta": 6, "QuoteTick": 2}
    assert one.gaps == (
        Gap(start + 6, start + 8, "socket closed"),
        Gap(start + 106, start + 108, "socket closed"),
    )
    assert one.is_resolved
    assert (two.recorded_as, two.rows, two.gaps, two.is_resolved) == ("trades", {"TradeTick": 2}, (), False)


def test_coverage_counts_everything_once(held, toy):
    assert held.rows == {
        "BinaryOption": 4,
        "DataGap": 2,
        "MarketResolution": 1,
        "OraclePrice": 2,
        "OrderBookDelta": 6,
        "QuoteTick": 2,
        "TradeTick": 2,
    }
    assert held.facts["OraclePrice"] == {"BTC-USD.COINBASE": 2}
    assert (held.first_ns, held.last_ns) == (toy.START + 1, toy.START + 200)
    assert held.evidence == ("recording", "trades")


def test_coverage_is_plain_json_with_totals(held):
    told = json.loads(json.dumps(held.as_dict()))
    assert told["totals"] == {"markets": 2, "resolved": 1, "gaps": 2, "rows": 19}
    assert told["markets"][0]["rows"] == {"OrderBookDelta": 6, "QuoteTick": 2}


def test_data_without_their_instrument_are_still_told(tmp_path, toy):
    yes = toy.make_market().yes
    with CatalogWriter(tmp_path) as writer:
        writer.write([], [toy.delta(yes, 1)])
    (market,) = coverage(tmp_path).markets
    assert (market.market, market.series, market.recorded_as) == ("KXBTC15M-A-15-YES.KALSHI", None, None)


def test_a_catalog_without_data_is_covered_by_nothing(tmp_path, toy):
    with CatalogWriter(tmp_path) as writer:
        writer.write([toy.make_market().yes], [])
    told = coverage(tmp_path)
    assert (told.first_ns, told.last_ns, told.markets[0].rows) == (None, None, {})
