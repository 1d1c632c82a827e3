from decimal import Decimal

import msgspec
import pytest
from nautilus_trader.model import BarType

from adapters.kalshi.data.answers import bar_of, period_of
from adapters.kalshi.messages.market_data import Candlestick

YES = "KXFED-27JAN-C-YES.KALSHI"


def bar_type(spec):
    return BarType.from_str(f"{YES}-{spec}")


def four(first, high, low, last):
    return {
        "open_dollars": first,
        "high_dollars": high,
        "low_dollars": low,
        "close_dollars": last,
    }


BID, ASK = four("0.40", "0.45", "0.30", "0.44"), four("0.50", "0.60", "0.48", "0.52")


def candle(bid=BID, ask=ASK, **price):
    known = {
        "end_period_ts": 1_778_690_040,
        "yes_bid": bid,
        "yes_ask": ask,
        "price": price,
        "volume_fp": "12.50",
    }
    return msgspec.convert(known, Candlestick)


@pytest.mark.parametrize(
    ("spec", "minutes"),
    [("1-MINUTE-LAST-EXTERNAL", 1), ("1-HOUR-BID-EXTERNAL", 60), ("1-DAY-ASK-EXTERNAL", 1440)],
)
def test_the_venue_has_candles_of_three_lengths(spec, minutes):
    assert period_of(bar_type(spec)) == minutes


@pytest.mark.parametrize(
    "spec", ["5-MINUTE-LAST-EXTERNAL", "1-MINUTE-MID-EXTERNAL", "1-MINUTE-LAST-INTERNAL"]
)
def test_other_bars_are_refused_by_name(spec):
    with pytest.raises(ValueError, match="expected external LAST, BID or ASK bars"):
        period_of(bar_type(spec))


def test_a_candle_is_a_bar_and_seen_from_no_its_high_is_its_low():
    one = candle(open_dollars="0.40", high_dollars="0.55", low_dollars="0.30", close_dollars="0.50")
    kind = bar_type("1-MINUTE-LAST-EXTERNAL")
    yes, no = (bar_of(one, kind, is_no=is_no) for is_no in (False, True))
    assert [yes.open, yes.high, yes.low, yes.close] == [Decimal(p) for p in ("0.4", "0.55", "0.3", "0.5")]
    assert [no.open, no.high, no.low, no.close] == [Decimal(p) for p in ("0.6", "0.7", "0.45", "0.5")]
    assert (str(yes.volume), yes.ts_event) == ("12.50", 1_778_690_040 * 10**9)


def test_a_period_without_a_trade_has_no_bar():
    assert bar_of(candle(previous_dollars="0.4"), bar_type("1-MINUTE-LAST-EXTERNAL"), is_no=False) is None


@pytest.mark.parametrize(
    ("kind", "is_no", "prices"),
    [
        ("BID", False, ("0.40", "0.45", "0.30", "0.44")),
        ("ASK", False, ("0.50", "0.60", "0.48", "0.52")),
        ("BID", True, ("0.50", "0.52", "0.40", "0.48")),
        ("ASK", True, ("0.60", "0.70", "0.55", "0.56")),
    ],
)
def test_a_candle_has_bars_of_bid_and_ask_without_volume(kind, is_no, prices):
    bar = bar_of(candle(), bar_type(f"1-MINUTE-{kind}-EXTERNAL"), is_no=is_no)
    assert [bar.open, bar.high, bar.low, bar.close] == [Decimal(one) for one in prices]
    assert bar.volume == 0


def test_a_side_that_was_empty_has_no_bar():
    one = candle(ask=four("0.50", "1.0000", "0.50", "0.52"))
    assert bar_of(one, bar_type("1-MINUTE-ASK-EXTERNAL"), is_no=False) is None
    assert bar_of(one, bar_type("1-MINUTE-BID-EXTERNAL"), is_no=True) is None
    assert bar_of(one, bar_type("1-MINUTE-BID-EXTERNAL"), is_no=False) is not None
