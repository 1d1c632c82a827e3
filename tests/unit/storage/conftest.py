"""Small markets and records, as every test of this room needs them."""

import hashlib
from decimal import Decimal
from types import SimpleNamespace

import pytest
from nautilus_trader.model import (
    AggressorSide,
    BookAction,
    BookOrder,
    OrderBookDelta,
    OrderSide,
    Price,
    Quantity,
    QuoteTick,
    RecordFlag,
    TradeId,
    TradeTick,
)

from markets.facts import (
    BookDoubt,
    Condition,
    DataGap,
    MarketPhase,
    MarketResolution,
    Method,
    OraclePrice,
    Phase,
    Provenance,
    TradeProvenance,
    VenueCondition,
)
from markets.instruments import MarketTerms, PriceRange, make_pair

SECOND = 1_000_000_000
START = 1_790_000_000 * SECOND


def make_market(market="KXBTC15M-A-15", known_ns=START, title="A toy market", **changes):
    terms = MarketTerms(
        market=market,
        venue="KALSHI",
        series="KXBTC15M",
        event="KXBTC15M-A",
        title=title,
        opens_ns=START,
        closes_ns=START + 900 * SECOND,
        known_ns=known_ns,
        price_ranges=(PriceRange(Decimal(0), Decimal(1), Decimal("0.01")),),
        fees=({"since_ns": 0, "taker_rate": "0.07"},),
        **changes,
    )
    return make_pair(terms)


def price(text):
    return Price.from_decimal_dp(Decimal(text), 4)


def size(text):
    return Quantity.from_decimal_dp(Decimal(text), 2)


def delta(instrument, at, count=1):
    order = BookOrder(OrderSide.BUY, price("0.4"), size(count), 0)
    flags = RecordFlag.F_LAST.value
    return OrderBookDelta(instrument.id, BookAction.UPDATE, order, flags, count, START + at, START + at)


def quote(instrument, at):
    ask_size = size("12.34")
    return QuoteTick(instrument.id, price("0"), price("0.61"), size("0"), ask_size, START + at, START + at)


def trade(instrument, at):
    side = AggressorSide.BUY
    return TradeTick(instrument.id, price("0.6"), size(3), side, TradeId(f"T{at}"), START + at, START + at)


def resolution(at, market="KXBTC15M-A-15", payout=1):
    return MarketResolution(
        ts_event=START + at,
        ts_init=START + at,
        venue="KALSHI",
        series="KXBTC15M",
        market=market,
        payout=Decimal(payout),
        source="venue",
        is_final=True,
    ).as_data()


def phase(at):
    return MarketPhase(
        ts_event=START + at,
        ts_init=START + at,
        venue="KALSHI",
        series="KXBTC15M",
        market="KXBTC15M-A-15",
        phase=Phase.OPEN,
        closes_ns=START,
    ).as_data()


def oracle(at, value="81087.33", symbol="BTC-USD"):
    return OraclePrice(
        ts_event=START + at - 1,
        ts_init=START + at,
        source="COINBASE",
        symbol=symbol,
        value=Decimal(value),
        method=Method.SPOT,
    ).as_data()


def provenance(at):
    return TradeProvenance(
        ts_event=START + at,
        ts_init=START + at,
        venue="KALSHI",
        instrument="KXBTC15M-A-15-YES",
        trade_id=f"T{at}",
        provenance=Provenance.VENUE,
    ).as_data()


def gap(at, until):
    return DataGap(
        ts_event=START + at,
        ts_init=START + at,
        venue="KALSHI",
        series="KXBTC15M",
        market="KXBTC15M-A-15",
        until_ns=START + until,
        reason="socket closed",
    ).as_data()


def fingerprint(root):
    """Every path below `root` with a hash of what it holds."""
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "/"
        for path in sorted(root.rglob("*"))
    }


def condition(at):
    return VenueCondition(
        ts_event=START + at, ts_init=START + at, venue="KALSHI", condition=Condition.PAUSED
    ).as_data()


def doubt(at):
    return BookDoubt(
        ts_event=START + at,
        ts_init=START + at,
        venue="KALSHI",
        series="KXBTC15M",
        market="KXBTC15M-A-15",
        is_over=False,
        reason="another top",
    ).as_data()


def one_of_each(yes):
    return [
        delta(yes, 1),
        quote(yes, 1),
        trade(yes, 2),
        resolution(9),
        phase(1),
        oracle(3),
        provenance(2),
        gap(5, 7),
        condition(6),
        doubt(4),
    ]


@pytest.fixture(scope="module")
def shared_toy():
    """What makes small records; times are nanoseconds after one start."""
    return SimpleNamespace(
        SECOND=SECOND,
        START=START,
        make_market=make_market,
        delta=delta,
        quote=quote,
        trade=trade,
        resolution=resolution,
        phase=phase,
        oracle=oracle,
        provenance=provenance,
        gap=gap,
        fingerprint=fingerprint,
        one_of_each=one_of_each,
    )


@pytest.fixture
def toy(shared_toy):
    return shared_toy
