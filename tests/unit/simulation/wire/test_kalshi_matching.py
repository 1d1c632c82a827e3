"""Laws of matching on random orders: money, queues, crossing."""

from hypothesis import given, settings
from hypothesis import strategies as some
from kalshi_stage import MARKET, Engine

from simulation.wire.kalshi_errors import VenueError
from simulation.wire.kalshi_orders import FOK, GTC, IOC, OrderAsk

USERS = ("alice", "bob", "crowd")
GRID = [10, 350, 990, 1000, 3000, 4900, 5000, 5100, 7000, 9000, 9010, 9990]

one_order = some.tuples(
    some.sampled_from(USERS), some.booleans(), some.sampled_from(GRID), some.integers(1, 30_000),
    some.sampled_from([GTC, GTC, GTC, IOC, FOK]), some.sampled_from(["taker_at_cross", "maker"]), some.booleans(),
)  # fmt: skip
one_step = some.one_of(one_order, some.integers(0, 30))


def play(engine, steps):
    exchange = engine.double.exchange
    for step in steps:
        if isinstance(step, int):
            mine = [order for orders in exchange.user_orders.values() for order in orders if order.on_book]
            if mine:
                exchange.cancel(mine[step % len(mine)])
        else:
            user, is_bid, price, count, tif, stp, post = step
            ask = OrderAsk(MARKET, is_bid, price, count, tif, stp, post_only=post and tif == GTC)
            try:
                exchange.place(user, ask)
            except VenueError as error:
                assert error.code == "insufficient_balance"
        yield step


@settings(max_examples=60, deadline=None)
@given(some.lists(one_step, max_size=40))
def test_money_is_conserved_and_no_book_is_crossed_after_any_command(steps):
    engine = Engine()
    for _ in play(engine, steps):
        assert engine.double.audit() == []


@settings(max_examples=40, deadline=None)
@given(some.lists(one_step, max_size=40))
def test_better_prices_trade_first_and_older_orders_before_younger_ones(steps):
    engine = Engine()
    book = engine.market.book
    for step in play(engine, steps):
        for side in (book.bids, book.asks):
            for level in side.levels.values():
                numbers = [order.number for order in level.orders.values()]
                assert numbers == sorted(numbers)
        last = engine.heard[-1] if engine.heard else None
        prices = [trade.price for trade in getattr(last, "trades", [])]
        if prices and not isinstance(step, int):
            assert prices == sorted(prices, reverse=not last.trades[0].taker_is_bid)


@settings(max_examples=40, deadline=None)
@given(
    some.lists(one_step, max_size=30), some.sampled_from(["yes", "no", "scalar"]), some.integers(0, 10_000)
)
def test_settlement_pays_out_exactly_what_was_locked(steps, result, value):
    engine = Engine()
    for _ in play(engine, steps):
        pass
    engine.after(901)
    engine.double.life.determine(MARKET, result, value if result == "scalar" else None)
    engine.after(10)
    assert engine.market.status == "finalized"
    assert engine.double.audit() == []
    cash = sum(pocket.cash for pocket in engine.double.exchange.accounts.pockets.values())
    assert cash + engine.double.exchange.accounts.house == engine.double.exchange.accounts.deposited


@settings(max_examples=40, deadline=None)
@given(some.lists(one_step, max_size=40))
def test_deltas_rebuild_the_book(steps):
    engine = Engine()
    levels: dict[tuple[bool, int], int] = {}
    for _ in play(engine, steps):
        pass
    for action in engine.heard:
        for change in getattr(action, "levels", ()):
            key = (change.is_bid, change.price)
            levels[key] = levels.get(key, 0) + change.count
            assert levels[key] >= 0
    book = engine.market.book
    rebuilt = {key: size for key, size in levels.items() if size}
    shown = {(True, price): level.size for price, level in book.bids.levels.items()}
    assert rebuilt == shown | {(False, price): level.size for price, level in book.asks.levels.items()}
