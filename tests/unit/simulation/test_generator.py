from bisect import bisect_right
from collections import Counter
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from hashlib import sha256
from itertools import islice, pairwise

import numpy as np
import pytest
from nautilus_trader.model import CustomData, OrderBookDelta, QuoteTick, TradeTick
from nautilus_trader.persistence import ParquetDataCatalog

from markets.facts import MarketPhase, MarketResolution, Method, OraclePrice, Phase
from markets.instruments import info_of
from simulation.fair_value import MakerView
from simulation.generator import GeneratorSettings, generate
from simulation.spot_path import SpotModel
from simulation.synthetic_market import OracleName, market_ticker

SECOND_NS = 1_000_000_000
SMALL = GeneratorSettings(seed=5, markets=4, events_per_second=2.0)
MANY = GeneratorSettings(
    seed=2, markets=200, events_per_second=0.5, spot=SpotModel(ticks_per_second=1.0, volatility_wander=0.1)
)


@cache
def small_tapes():
    return tuple(generate(SMALL))


def facts(tape, kind):
    return [row.data for row in tape.data if isinstance(row, CustomData) and isinstance(row.data, kind)]


def fingerprint(settings, rows=4_000):
    found = sha256()
    everything = (row for tape in generate(settings) for row in (*tape.instruments, *tape.data))
    for row in islice(everything, rows):
        found.update(repr(row.data if isinstance(row, CustomData) else row).encode())
        found.update(str(row.ts_init).encode())
    return found.hexdigest()


def fixing(prices, at_ns):
    """The settlement rule once more, from emitted prices and in decimals."""
    times_ns = [price.ts_event for price in prices]
    seconds_ns = range(at_ns - 60 * SECOND_NS, at_ns, SECOND_NS)
    values = [prices[bisect_right(times_ns, second_ns) - 1].value for second_ns in seconds_ns]
    return (sum(values) / 60).quantize(Decimal("0.01"), ROUND_HALF_UP)


def test_equal_settings_give_equal_rows_and_another_seed_gives_others():
    assert fingerprint(SMALL) == fingerprint(replace(SMALL)) != fingerprint(replace(SMALL, seed=6))


def test_the_spot_path_does_not_depend_on_the_book():
    busier = replace(SMALL, markets=2, events_per_second=3.0, makers=MakerView(noise_bps=2.0))
    for tape, other in zip(small_tapes(), generate(busier), strict=False):
        assert facts(tape, OraclePrice) == facts(other, OraclePrice)
        assert len(tape.data) != len(other.data)


def test_rows_of_a_tape_ascend_by_the_time_they_are_known():
    for tape in small_tapes():
        assert all(one.ts_init <= other.ts_init for one, other in pairwise(tape.data))
        assert all(row.ts_event <= row.ts_init for row in tape.data)
        assert {type(row) for row in tape.data} == {OrderBookDelta, QuoteTick, TradeTick, CustomData}
        assert all(tape.instruments[0].ts_init < row.ts_init for row in tape.data if type(row) is QuoteTick)


@pytest.mark.parametrize("kind", [OraclePrice, MarketPhase, MarketResolution])
def test_facts_of_a_kind_ascend_strictly_across_tapes(kind):
    times_ns = [fact.ts_init for tape in small_tapes() for fact in facts(tape, kind)]
    assert all(one < other for one, other in pairwise(times_ns))


def test_consecutive_tapes_append_to_one_catalog_without_overlap(tmp_path):
    catalog = ParquetDataCatalog(str(tmp_path))
    for tape in small_tapes():
        catalog.write_order_book_deltas([row for row in tape.data if isinstance(row, OrderBookDelta)])
        for kind in (OraclePrice, MarketPhase, MarketResolution):
            catalog.write_custom_data([fact.as_data() for fact in facts(tape, kind)])
    deltas = catalog.query_order_book_deltas([str(small_tapes()[1].instruments[0].id)])
    assert deltas == [row for row in small_tapes()[1].data if isinstance(row, OrderBookDelta)]


def test_a_market_says_that_it_is_synthetic_and_all_that_decides_it():
    for number, tape in enumerate(small_tapes()):
        yes, no = tape.instruments
        info = info_of(yes)
        closes_ns = SMALL.start_ns + (number + 1) * 900 * SECOND_NS
        assert info["recorded_as"] == info_of(no)["recorded_as"] == "synthetic"
        assert info["market"] == market_ticker(closes_ns)
        assert (info["opens_ns"], info["closes_ns"]) == (closes_ns - 900 * SECOND_NS, closes_ns)
        assert info["known_ns"] == yes.ts_init == info["opens_ns"]
        assert (info["strike_type"], info["averaging_secs"]) == ("greater_or_equal", 60)
        assert (yes.activation_ns, yes.expiration_ns) == (info["opens_ns"], closes_ns)
        assert all(price.source == "SYNTH" for price in facts(tape, OraclePrice))
        assert all(result.source == "synthetic" for result in facts(tape, MarketResolution))


def test_spot_prices_are_told_under_the_name_that_was_asked_for():
    named = replace(SMALL, oracle=OracleName("BRTI", "CFBENCHMARKS"))
    plain, told = (facts(next(generate(settings)), OraclePrice) for settings in (SMALL, named))
    assert {(price.symbol, price.source) for price in told} == {("BRTI", "CFBENCHMARKS")}
    assert [price.value for price in told] == [price.value for price in plain]


def test_a_ticker_names_the_close_in_utc():
    assert market_ticker(1_788_220_800 * SECOND_NS) == "SYNBTC15M-26SEP010000"
    assert market_ticker(1_767_225_600 * SECOND_NS - 900 * SECOND_NS) == "SYNBTC15M-25DEC312345"


def test_strike_and_payout_follow_from_the_emitted_prices_alone():
    prices = [price for tape in small_tapes() for price in facts(tape, OraclePrice)]
    assert {(price.symbol, price.method) for price in prices} == {("BTC-USD", Method.SPOT)}
    for tape in small_tapes():
        info = info_of(tape.instruments[0])
        strike, last = fixing(prices, info["opens_ns"]), fixing(prices, info["closes_ns"])
        assert Decimal(info["floor_strike"]) == strike
        (result,) = facts(tape, MarketResolution)
        assert result.payout == (1 if last >= strike else 0)
        assert result.is_final
        assert result.market == info["market"]
        assert 5 * SECOND_NS < result.ts_event - info["closes_ns"] < 15 * SECOND_NS


def test_a_market_opens_and_closes_once_and_each_price_is_on_one_tape():
    for number, tape in enumerate(small_tapes()):
        opens_ns = SMALL.start_ns + number * 900 * SECOND_NS
        closes_ns = opens_ns + 900 * SECOND_NS
        phases = [(phase.phase, phase.ts_event, phase.closes_ns) for phase in facts(tape, MarketPhase)]
        assert phases == [(Phase.OPEN, opens_ns, closes_ns), (Phase.CLOSED, closes_ns, closes_ns)]
        first_ns = opens_ns if number else opens_ns - 60 * SECOND_NS
        assert all(first_ns <= price.ts_event < closes_ns for price in facts(tape, OraclePrice))


def test_prices_are_calibrated_and_outcomes_are_even():
    outcomes, mids = [], []
    for tape in generate(MANY):
        late_ns = tape.instruments[0].expiration_ns - 300 * SECOND_NS
        quote = [row for row in tape.data if type(row) is QuoteTick and row.ts_init <= late_ns][-1]
        mids.append(float(quote.bid_price.as_decimal() + quote.ask_price.as_decimal()) / 2)
        outcomes.append(float(facts(tape, MarketResolution)[0].payout))
    paid, asked = np.asarray(outcomes), np.asarray(mids)
    assert abs(paid.mean() - 0.5) < 3 * 0.5 / np.sqrt(len(paid))
    assert ((asked - paid) ** 2).mean() < 0.2, "a coin would score 0.25"
    assert 0.75 < np.polyfit(asked, paid, 1)[0] < 1.25


def test_the_default_settings_make_a_demo_of_a_known_size():
    tape = next(generate(GeneratorSettings()))
    count = Counter(type(row) for row in tape.data)
    assert 15_000 < len(tape.data) < 25_000
    assert count[OrderBookDelta] > count[QuoteTick] > count[CustomData] > count[TradeTick] > 100


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("seed", -1),
        ("start_ns", 0),
        ("start_ns", SMALL.start_ns + 1),
        ("markets", 0),
        ("events_per_second", 0.0),
        ("events_per_second", float("nan")),
        ("spot_latency_ms", -1),
        ("book_latency_ms", 10**6),
    ],
)
def test_a_setting_out_of_bounds_is_refused_with_its_name(name, value):
    with pytest.raises(ValueError, match=f"expected {name} .*, found"):
        replace(SMALL, **{name: value})
