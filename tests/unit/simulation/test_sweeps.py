from decimal import Decimal
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st
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
from stage import Stage
from toy import NO, SECOND, START, YES

from engine import Strategy, StrategyConfig
from markets.mirror import Mirror
from markets.sweeps import is_sweep
from simulation.messages import cleared, grouped, snapshot
from simulation.settings import VenueModel
from simulation.sweeps import Sweeps

BUY, SELL = AggressorSide.BUY, AggressorSide.SELL
QUEUE = VenueModel(latency_ms=0, queue_position=True)


def price(text):
    return Price.from_decimal_dp(Decimal(text), 4)


def size(contracts):
    return Quantity.from_decimal_dp(Decimal(contracts), 2)


def level(side, at, contracts, secs, known_secs=None):
    """Return a message that sets one level; size 0 takes it away."""
    action = BookAction.UPDATE if Decimal(contracts) else BookAction.DELETE
    order = BookOrder(side, price(at), size(contracts), 0)
    known = START + round((secs if known_secs is None else known_secs) * SECOND)
    return OrderBookDelta(
        YES.id, action, order, RecordFlag.F_LAST.value, 0, START + round(secs * SECOND), known
    )


def bids(*levels):
    return [level(OrderSide.BUY, at, contracts, 0) for at, contracts in levels]


def printed(at, contracts, side=SELL, secs=1.0, name="t1"):
    now = START + round(secs * SECOND)
    return TradeTick(YES.id, price(at), size(contracts), side, TradeId(name), now, now)


def spelt(deltas, trades, sweeps=None):
    """Return the prints as (price, size), the invented ones in brackets."""
    found = (sweeps or Sweeps()).spell_out(deltas, trades)
    return [f"[{t.price} {t.size}]" if is_sweep(t) else f"{t.price} {t.size}" for t in found]


def test_a_print_below_bids_proves_that_they_are_gone_best_first():
    book = bids(("0.45", 30), ("0.47", 100), ("0.48", 250))
    assert spelt(book, [printed("0.45", 300)]) == ["[0.4800 250.00]", "[0.4700 100.00]", "0.4500 300.00"]


def test_a_print_above_offers_proves_that_they_are_gone_best_first():
    book = [level(OrderSide.SELL, at, 10, 0) for at in ("0.55", "0.53", "0.52")]
    assert spelt(book, [printed("0.55", 5, BUY)]) == ["[0.5200 10.00]", "[0.5300 10.00]", "0.5500 5.00"]


def test_what_is_invented_says_so_and_shares_side_and_time_with_the_true_print():
    true = printed("0.45", 300)
    invented, same = Sweeps().spell_out(bids(("0.48", 250)), [true])
    assert same == true
    assert (is_sweep(invented), is_sweep(true)) == (True, False)
    for name in ("instrument_id", "aggressor_side", "ts_event", "ts_init"):
        assert getattr(invented, name) == getattr(true, name)
    assert len(str(invented.trade_id)) <= 36


def test_a_print_at_the_best_bid_proves_nothing_about_others():
    assert spelt(bids(("0.48", 250), ("0.45", 10)), [printed("0.48", 20)]) == ["0.4800 20.00"]


def test_offers_say_nothing_about_a_sale_and_a_print_without_an_aggressor_nothing_at_all():
    book = [*bids(("0.48", 250)), level(OrderSide.SELL, "0.44", 10, 0)]
    assert spelt(book, [printed("0.49", 5)]) == ["0.4900 5.00"]
    assert spelt(book, [printed("0.30", 5, AggressorSide.NO_AGGRESSOR)]) == ["0.3000 5.00"]


def test_a_level_that_was_printed_is_not_printed_again():
    trades = [printed("0.48", 100, name="a"), printed("0.47", 40, name="b"), printed("0.45", 5, name="c")]
    book = bids(("0.48", 100), ("0.47", 100))
    assert spelt(book, trades) == ["0.4800 100.00", "0.4700 40.00", "[0.4700 60.00]", "0.4500 5.00"]


def test_a_level_that_was_swept_is_not_swept_again_before_the_book_shows_it_anew():
    trades = [printed("0.45", 20, name="a"), printed("0.44", 20, name="b"), printed("0.44", 20, secs=3)]
    book = [*bids(("0.48", 100)), level(OrderSide.BUY, "0.48", 7, 2)]
    assert spelt(book, trades) == [
        "[0.4800 100.00]", "0.4500 20.00", "0.4400 20.00", "[0.4800 7.00]", "0.4400 20.00",
    ]  # fmt: skip


def test_a_level_refreshed_after_the_print_happened_is_left_alone():
    fresh = level(OrderSide.BUY, "0.48", 60, 1.5, known_secs=1.6)
    late = TradeTick(YES.id, price("0.45"), size(9), SELL, TradeId("t"), START + SECOND, START + 2 * SECOND)
    assert spelt([*bids(("0.48", 100), ("0.47", 100)), fresh], [late]) == ["[0.4700 100.00]", "0.4500 9.00"]


def test_of_one_instant_the_print_comes_before_the_book_that_it_changed():
    book = [*bids(("0.48", 100)), level(OrderSide.BUY, "0.48", 0, 1)]
    assert spelt(book, [printed("0.45", 9)]) == ["[0.4800 100.00]", "0.4500 9.00"]
    assert spelt(book, [printed("0.45", 9, secs=1.1)]) == ["0.4500 9.00"]


def test_an_emptied_book_has_nothing_to_sweep():
    assert spelt([*bids(("0.48", 100)), *cleared(YES.id, START + 1)], [printed("0.45", 9)]) == ["0.4500 9.00"]


def test_the_book_before_the_replay_began_counts():
    sweeps = Sweeps()
    sweeps.start_from(snapshot(YES.id, {(OrderSide.BUY, price("0.48")): size(3)}, START))
    assert spelt([], [printed("0.45", 9)], sweeps) == ["[0.4800 3.00]", "0.4500 9.00"]


LEVELS = st.integers(1, 20).map(lambda cents: Decimal(40 + cents) / 100)
ROWS = st.lists(
    st.tuples(
        st.booleans(), LEVELS, st.integers(0, 5), st.sampled_from([BUY, SELL]), st.integers(0, 2)
    ),
    max_size=25,
)  # fmt: skip


def tape(rows):
    """Return deltas and trades of one market, in order of time: (is_trade, price, size, side, pause)."""
    deltas, trades, now = [], [], 0
    for number, (is_trade, at, contracts, side, pause) in enumerate(rows):
        now += pause
        if is_trade and contracts:
            trades.append(printed(at, contracts, side, now, f"t{number}"))
        elif not is_trade:
            deltas.append(level(OrderSide.BUY if side == SELL else OrderSide.SELL, at, contracts, now))
    return deltas, trades


@given(ROWS)
def test_the_true_prints_pass_unchanged_and_nothing_worse_than_them_is_invented(rows):
    deltas, trades = tape(rows)
    found = list(Sweeps().spell_out(deltas, trades))
    assert [one for one in found if not is_sweep(one)] == trades
    waiting = []
    for one in found:
        if is_sweep(one):
            waiting.append(one)
            continue
        for invented in waiting:
            better = invented.price > one.price if one.aggressor_side == SELL else invented.price < one.price
            assert better
            assert invented.size.raw > 0
        waiting = []
    assert waiting == []


@given(ROWS)
def test_a_level_never_prints_more_by_invention_than_the_book_showed_there(rows):
    deltas, trades = tape(rows)
    shown = {}
    for delta in deltas:
        key = (delta.order.side, delta.order.price)
        shown[key] = shown.get(key, 0) + (delta.order.size.raw if delta.action != BookAction.DELETE else 0)
    for one in Sweeps().spell_out(deltas, trades):
        if is_sweep(one):
            key = (OrderSide.BUY if one.aggressor_side == SELL else OrderSide.SELL, one.price)
            shown[key] -= one.size.raw
    assert all(left >= 0 for left in shown.values())


@given(ROWS)
def test_sweeps_of_the_mirrored_market_are_the_mirrored_sweeps(rows):
    deltas, trades = tape(rows)
    mirror = Mirror()
    first = [mirror.trade(one, NO.id) for one in Sweeps().spell_out(deltas, trades)]
    turned = [mirror.trade(one, NO.id) for one in trades]
    assert first == list(Sweeps().spell_out(mirror.deltas(deltas, NO.id), turned))


class Nothing(StrategyConfig, frozen=True):
    pass


class Bidder(Strategy[Nothing]):
    """Bids for 50 at 0.47 with the first quote, and writes down fills and trades."""

    def on_start(self):
        self.fills, self.trades, self.has_bid = [], [], False
        self.subscribe_quotes(YES.id)
        self.subscribe_trades(YES.id)

    def on_quote(self, quote):
        if not self.has_bid:
            self.has_bid = True
            self.buy(YES.id, Decimal(50), Decimal("0.47"), post_only=True)

    def on_trade(self, trade):
        self.trades.append(str(trade.trade_id))

    def on_order_filled(self, event):
        self.fills.append((str(event.last_qty), str(event.last_px), event.liquidity_side.name))


def bid_at_47(trades, more_deltas=(), spell_out=True):
    """Return the bidder after a book of 100 at each of 0.48 and 0.47, and these prints."""
    levels = {(OrderSide.BUY, price(at)): size(100) for at in ("0.48", "0.47")}
    levels[OrderSide.SELL, price("0.52")] = size(100)
    deltas = [*snapshot(YES.id, levels, START), *more_deltas]
    quote = QuoteTick(YES.id, price("0.48"), price("0.52"), size(100), size(100), START, START)
    told = list(Sweeps().spell_out(deltas, trades)) if spell_out else trades
    with Stage(partial(Bidder, Nothing()), model=QUEUE) as stage:
        stage.play([*told, *grouped(deltas), quote])
        assert stage.door.faults == {}
        return stage.strategies[0]


def test_the_engine_alone_leaves_an_order_waiting_though_the_market_traded_through_it():
    assert bid_at_47([printed("0.45", 300)], spell_out=False).fills == []


@pytest.mark.parametrize(
    ("contracts", "filled"), [(300, [("50.00", "0.4700", "MAKER")]), (20, [("20.00", "0.4700", "MAKER")])]
)
def test_a_print_through_an_order_fills_it_with_no_more_than_the_size_of_the_print(contracts, filled):
    assert bid_at_47([printed("0.45", contracts)]).fills == filled


def test_a_print_at_the_orders_own_price_fills_what_reaches_beyond_the_queue():
    assert bid_at_47([printed("0.47", 130)]).fills == [("30.00", "0.4700", "MAKER")]
    assert bid_at_47([printed("0.47", 100)]).fills == []


def test_two_prints_through_an_order_fill_no_more_than_their_sizes():
    trades = [printed("0.45", 20, name="a"), printed("0.44", 5, secs=2, name="b")]
    filled = [Decimal(quantity) for quantity, _, _ in bid_at_47(trades).fills]
    assert sum(filled) == 25


def test_an_order_gains_at_most_the_size_that_queued_behind_it():
    behind = level(OrderSide.BUY, "0.47", 130, 0.5)
    filled = [Decimal(quantity) for quantity, _, _ in bid_at_47([printed("0.45", 5)], [behind]).fills]
    assert sum(filled) <= 30 + 5


def test_strategies_never_see_an_invented_print():
    assert bid_at_47([printed("0.45", 300, name="true")]).trades == ["true"]
