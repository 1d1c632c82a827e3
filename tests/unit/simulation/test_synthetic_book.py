from collections import Counter
from decimal import Decimal
from functools import cache
from itertools import groupby

import pytest
from nautilus_trader.model import (
    AggressorSide,
    BookAction,
    BookType,
    OrderBook,
    OrderBookDelta,
    OrderSide,
    QuoteTick,
    RecordFlag,
    TradeTick,
)

from markets.ticks import grid_of
from simulation.fair_value import MakerView
from simulation.generator import GeneratorSettings, generate
from simulation.spot_path import SECOND_NS, SpotModel
from simulation.synthetic_book import CrowdModel

OPENS_NS = 1_788_220_800 * SECOND_NS

KINDS = {
    "default": GeneratorSettings(markets=2, events_per_second=6.0),
    "wild": GeneratorSettings(
        seed=11,
        markets=2,
        events_per_second=6.0,
        spot=SpotModel(annual_volatility=2.0, jumps_per_day=500.0, jump_bps=40.0),
        makers=MakerView(lag_ms=2_000.0, noise_bps=5.0),
        crowd=CrowdModel(trade_share=0.4, take_contracts=200.0, informed_share=0.6),
    ),
    "sleepy": GeneratorSettings(seed=3, markets=2, events_per_second=0.05),
}


@cache
def tapes(kind):
    return tuple(generate(KINDS[kind]))


def rows(tape, *types):
    return [row for row in tape.data if isinstance(row, types)]


class Walked:
    """A book kept by the test alone, from deltas as a reader of the contract would keep it."""

    def __init__(self):
        self.sides = {OrderSide.BUY: {}, OrderSide.SELL: {}}

    def apply(self, delta):
        if delta.action == BookAction.CLEAR:
            self.sides = {OrderSide.BUY: {}, OrderSide.SELL: {}}
            return
        side, price = self.sides[delta.order.side], delta.order.price.as_decimal()
        if delta.action == BookAction.DELETE:
            assert price in side, "what is removed was there"
            del side[price]
        else:
            side[price] = delta.order.size.as_decimal()

    @property
    def bid(self):
        price = max(self.sides[OrderSide.BUY], default=None)
        return (Decimal(0), Decimal(0)) if price is None else (price, self.sides[OrderSide.BUY][price])

    @property
    def ask(self):
        price = min(self.sides[OrderSide.SELL], default=None)
        return (Decimal(1), Decimal(0)) if price is None else (price, self.sides[OrderSide.SELL][price])


def is_last(delta):
    return bool(delta.flags & RecordFlag.F_LAST.value)


@pytest.mark.parametrize("kind", KINDS)
def test_the_book_is_never_crossed_and_every_quote_is_its_top(kind):
    for tape in tapes(kind):
        book, quoted = Walked(), (Decimal(0), Decimal(0), Decimal(1), Decimal(0))
        for row in rows(tape, OrderBookDelta, QuoteTick):
            if isinstance(row, QuoteTick):
                said = [row.bid_price, row.bid_size, row.ask_price, row.ask_size]
                assert tuple(part.as_decimal() for part in said) == (*book.bid, *book.ask)
                assert (*book.bid, *book.ask) != quoted, "a quote says something new"
                quoted = (*book.bid, *book.ask)
                continue
            book.apply(row)
            assert book.bid[0] < book.ask[0]
        assert (*book.bid, *book.ask) == quoted == (0, 0, 1, 0)


@pytest.mark.parametrize("kind", KINDS)
def test_prices_are_on_the_grid_and_sizes_are_lots_and_not_negative(kind):
    for tape in tapes(kind):
        grid, levels = grid_of(tape.instruments[0]), set()
        for row in rows(tape, OrderBookDelta, TradeTick):
            if isinstance(row, TradeTick):
                price, size = row.price, row.size
            elif row.action != BookAction.CLEAR:
                price, size = row.order.price, row.order.size
                assert (size.as_decimal() == 0) == (row.action == BookAction.DELETE)
            else:
                continue
            assert size.precision == 2
            assert price.precision == 4
            assert size.as_decimal() >= 0
            levels.add(price.as_decimal())
        assert all(grid.holds(level) for level in levels)


@pytest.mark.parametrize("kind", KINDS)
def test_a_trade_takes_the_best_price_and_the_group_at_its_instant_takes_exactly_that_away(kind):
    for tape in tapes(kind):
        book = Walked()
        for _, group in groupby(rows(tape, OrderBookDelta, TradeTick), key=lambda row: row.ts_init):
            group = list(group)
            trades = [row for row in group if isinstance(row, TradeTick)]
            assert group[: len(trades)] == trades, "prints come before the deltas they cause"
            expected = Walked()
            expected.sides = {side: dict(levels) for side, levels in book.sides.items()}
            for trade in trades:
                is_buy = trade.aggressor_side == AggressorSide.BUY
                price, held = expected.ask if is_buy else expected.bid
                assert trade.price.as_decimal() == price
                assert 0 < trade.size.as_decimal() <= held
                side = expected.sides[OrderSide.SELL if is_buy else OrderSide.BUY]
                side[price] -= trade.size.as_decimal()
                if not side[price]:
                    del side[price]
            for delta in group[len(trades) :]:
                book.apply(delta)
            if trades:
                assert book.sides == expected.sides
                assert len({trade.aggressor_side for trade in trades}) == 1


def test_groups_are_closed_and_hold_one_to_four_deltas_and_some_takers_sweep_levels():
    sizes, sweeps = Counter(), Counter()
    for tape in tapes("default"):
        deltas = [row for row in rows(tape, OrderBookDelta) if not row.flags & RecordFlag.F_SNAPSHOT.value]
        open_ones = 0
        for delta in deltas:
            open_ones += 1
            if is_last(delta):
                sizes[open_ones] += 1
                open_ones = 0
        assert open_ones == 0
        sweeps += Counter(Counter(trade.ts_event for trade in rows(tape, TradeTick)).values())
    assert set(sizes) == {1, 2, 3, 4}
    assert sweeps[1] > sweeps[2] > 0


def test_nautilus_builds_the_same_book_and_finds_nothing_wrong_with_it():
    tape = tapes("default")[0]
    book, walked = OrderBook(tape.instruments[0].id, BookType.L2_MBP), Walked()
    for delta in rows(tape, OrderBookDelta):
        book.apply_delta(delta)
        walked.apply(delta)
        if is_last(delta):
            bid, ask = book.best_bid_price(), book.best_ask_price()
            assert (bid.as_decimal() if bid else 0) == walked.bid[0]
            assert (ask.as_decimal() if ask else 1) == walked.ask[0]


@pytest.mark.parametrize("kind", KINDS)
def test_a_market_opens_with_a_full_snapshot_and_ends_with_an_empty_one(kind):
    for number, tape in enumerate(tapes(kind)):
        opens_ns = OPENS_NS + number * 900 * SECOND_NS
        closes_ns = opens_ns + 900 * SECOND_NS
        deltas = rows(tape, OrderBookDelta)
        snapshots = [delta for delta in deltas if delta.flags & RecordFlag.F_SNAPSHOT.value]
        assert snapshots[:-1] == deltas[: len(snapshots) - 1]
        assert snapshots[0].action == snapshots[-1].action == BookAction.CLEAR
        assert len(snapshots) > 20
        assert [is_last(delta) for delta in snapshots] == [False] * (len(snapshots) - 2) + [True, True]
        assert snapshots[0].ts_event - opens_ns < SECOND_NS
        assert snapshots[-1] == deltas[-1]
        assert 2 * SECOND_NS < snapshots[-1].ts_event - closes_ns < 10 * SECOND_NS
        burst = [delta for delta in deltas[:-1] if delta.ts_event >= closes_ns]
        assert all(delta.action == BookAction.DELETE for delta in burst)
        assert all(delta.ts_event - closes_ns < SECOND_NS for delta in burst)
        assert burst or kind == "wild", "only takers of that size leave nothing to remove"
        assert all(opens_ns < trade.ts_event < closes_ns for trade in rows(tape, TradeTick))


def test_trade_ids_are_unique_and_short_enough():
    ids = [str(trade.trade_id) for tape in tapes("wild") for trade in rows(tape, TradeTick)]
    assert len(set(ids)) == len(ids) > 500
    assert max(map(len, ids)) <= 36


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("top_contracts", 0.0),
        ("depth_levels", 0.0),
        ("trade_share", 0.9),
        ("cancel_share", -0.1),
        ("informed_share", 1.1),
        ("informed_margin", float("nan")),
        ("take_contracts", 0.0),
    ],
)
def test_a_crowd_out_of_bounds_is_refused_by_name(name, value):
    with pytest.raises(ValueError, match=f"expected {name} between"):
        CrowdModel(**{name: value})
