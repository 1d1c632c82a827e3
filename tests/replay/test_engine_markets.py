"""What our engine adds to Nautilus': markets to follow, beliefs, one order of hearing, arrivals on time."""

from decimal import Decimal

import pytest
from nautilus_trader.model import (
    AggressorSide,
    BookType,
    OrderBookDeltas,
    Price,
    Quantity,
    QuoteTick,
    TimeInForce,
    TradeId,
    TradeTick,
    Venue,
)
from stage import Stage
from toy import FED, NO, SECOND, START, YES, Nobody, book, market

from engine import Belief, Strategy, StrategyConfig
from markets.facts import Method, OraclePrice
from markets.instruments import PriceRange
from markets.names import Series
from markets.sweeps import sweep_id
from simulation.messages import cleared, no_quote
from simulation.settings import VenueModel

QUIET = [row for at in range(4) for row in book(0.48, 0.52, at)]
SLOW = VenueModel(latency_ms=137, queue_position=False)
TAPERED = (
    PriceRange(Decimal(0), Decimal("0.1"), Decimal("0.001")),
    PriceRange(Decimal("0.1"), Decimal("0.9"), Decimal("0.01")),
    PriceRange(Decimal("0.9"), Decimal(1), Decimal("0.001")),
)


class Settings(StrategyConfig, frozen=True):
    series: Series = Series("kalshi:KXFED-*")


def seated(cls, **attributes):
    """Return what seats a strategy of class `cls`, with these attributes set before it starts."""

    def make(seat):
        strategy = cls(Settings(), seat)
        for name, value in attributes.items():
            setattr(strategy, name, value)
        return strategy

    return make


def quote(bid, bid_size, ask, ask_size, at, of=YES):
    now = START + round(at * SECOND)
    prices = [Price(one, 4) for one in (bid, ask)]
    return QuoteTick(of.id, *prices, Quantity(bid_size, 2), Quantity(ask_size, 2), now, now)


# Markets to follow


class Follower(Strategy[Settings]):
    def on_start(self):
        self.met = []
        self.follow(self.config.series)

    def on_market(self, market):
        self.met.append((market.market, self.clock.timestamp_ns() - START))


class Reader(Follower):
    def on_terms(self, market):
        self.met.append(("terms", market.yes.expiration_ns, market.no.expiration_ns))


def test_a_market_is_introduced_once_and_its_later_versions_as_new_terms_of_both_sides():
    later_ns = START + 7200 * SECOND
    with Stage(seated(Reader)) as stage:
        stage.play(QUIET)
        stage.add(market(known_ns=START + 3 * SECOND, closes_ns=later_ns))
        stage.add(market(known_ns=START + 3 * SECOND, closes_ns=later_ns))
        stage.play(book(0.48, 0.52, 5))
        names = [one[0] for one in stage.strategies[0].met]
        assert names == ["KXFED-27JAN-C.KALSHI", "terms"]
        assert stage.strategies[0].met[-1] == ("terms", later_ns, later_ns)
        assert stage.door.faults == {}


@pytest.mark.parametrize(
    ("kind", "strikes"),
    [
        ("greater_or_equal", {"floor_strike": Decimal("68000")}),
        ("less", {"cap_strike": Decimal("68000")}),
        ("between", {"floor_strike": Decimal("68000"), "cap_strike": Decimal("69000")}),
    ],
)
def test_a_live_market_is_introduced_when_its_strike_is_named(kind, strikes):
    early = market(strike_type=kind, recorded_as="live")
    with Stage(seated(Reader), markets=(early,)) as stage:
        stage.play(QUIET)
        assert stage.strategies[0].met == []
        known_ns = START + 3 * SECOND
        stage.add(market(strike_type=kind, recorded_as="live", known_ns=known_ns, **strikes))
        stage.play(book(0.48, 0.52, 5))
        assert [one[0] for one in stage.strategies[0].met] == ["KXFED-27JAN-C.KALSHI"]
        assert stage.door.faults == {}


@pytest.mark.parametrize(
    "terms", [{"recorded_as": "trades"}, {"recorded_as": "live", "strike_type": "custom"}]
)
def test_a_market_whose_strike_nobody_will_name_is_introduced_as_it_is(terms):
    with Stage(seated(Follower), markets=(market(**({"strike_type": "greater"} | terms)),)) as stage:
        stage.play(QUIET)
        assert [name for name, _ in stage.strategies[0].met] == ["KXFED-27JAN-C.KALSHI"]


def test_a_market_that_is_added_while_the_replay_runs_is_introduced_before_its_first_data():
    new = market("KXFED-27FEB-C", opens_ns=START + 6 * SECOND, known_ns=START + 6 * SECOND)

    class Eager(Follower):
        def on_market(self, market):
            super().on_market(market)
            self.subscribe_quotes(market.yes.id)

        def on_quote(self, quote):
            self.met.append((str(quote.instrument_id), quote.ts_init - START))

    with Stage(seated(Eager), markets=()) as stage:
        stage.play(facts=[oracle(1)])
        stage.add(new)
        stage.play(book(0.48, 0.52, 6, of=new.yes))
        assert [name for name, _ in stage.strategies[0].met] == [
            "KXFED-27FEB-C.KALSHI",
            "KXFED-27FEB-C-YES.KALSHI",
        ]


def test_markets_known_at_the_start_are_introduced_in_order_of_their_opening():
    late, early = market("KXFED-27FEB-C", opens_ns=START - 1), market("KXFED-27MAR-C", opens_ns=START - 9)
    with Stage(seated(Follower), markets=(late, early)) as stage:
        stage.play(book(0.48, 0.52, 0, of=late.yes))
        names = [name for name, _ in stage.strategies[0].met]
    assert names == ["KXFED-27MAR-C.KALSHI", "KXFED-27FEB-C.KALSHI"]


def test_a_closed_market_is_not_introduced():
    closed = market("KXFED-26DEC-C", closes_ns=START + SECOND)
    with Stage(seated(Follower)) as stage:
        stage.play(QUIET)
        stage.add(closed)
        stage.play(book(0.48, 0.52, 5))
        assert [name for name, _ in stage.strategies[0].met] == ["KXFED-27JAN-C.KALSHI"]


def test_a_market_of_another_series_is_not_introduced():
    with Stage(seated(Follower), markets=(market("KXCPI-27JAN-C"), market("KXFEDX-27JAN-C"))) as stage:
        stage.play(facts=[oracle(1)])
        assert stage.strategies[0].met == []


def test_half_a_market_is_introduced_when_its_other_half_arrives():
    with Stage(seated(Follower), markets=()) as stage:
        stage.engine.add_instrument(NO)
        stage.play(book(0.48, 0.52, 0, of=NO))
        assert stage.strategies[0].met == []
        stage.engine.add_instrument(YES)
        stage.play(book(0.48, 0.52, 1))
        assert [name for name, _ in stage.strategies[0].met] == ["KXFED-27JAN-C.KALSHI"]


def test_an_error_in_the_introduction_closes_the_door_for_that_strategy():
    class Clumsy(Follower):
        def on_market(self, market):
            raise ZeroDivisionError("oops")

    with Stage(seated(Clumsy)) as stage:
        with pytest.raises(Exception, match="oops"):
            stage.play(QUIET)
        assert repr(stage.door.faults) == "{StrategyId('toy-1'): ZeroDivisionError('oops')}"


# Beliefs


class Believer(Strategy[Settings]):
    says = 0.3

    def on_start(self):
        self.subscribe_quotes(YES.id)

    def on_quote(self, quote):
        self.believe(FED, self.says)
        self.buy(YES.id, Decimal(1), Decimal("0.4"))


class Curious(Nobody):
    """A guard that remembers what the desk told it of both sides."""

    def refuse(self, order, quantity, price, desk):
        self.asked.append([desk.belief(order.strategy_id, side.id) for side in (YES, NO)])
        return None


def test_a_belief_reaches_the_guards_desk_for_both_sides_before_the_order_does():
    with Stage(seated(Believer), guard=(guard := Curious())) as stage:
        stage.play(book(0.48, 0.52, 2))
        [strategy] = stage.strategies
        assert guard.asked == [[Belief(0.3, START + 2 * SECOND), Belief(0.7, START + 2 * SECOND)]]
        assert stage.door.belief(strategy.strategy_id, market("KXFED-27FEB-C").yes.id) is None


def test_the_last_belief_is_the_one_that_counts_and_each_strategy_has_its_own():
    with Stage(seated(Believer), seated(Believer, says=0.6)) as stage:
        stage.play(QUIET)
        first, second = stage.strategies
        assert stage.door.belief(first.strategy_id, YES.id) == Belief(0.3, START + 3 * SECOND)
        assert stage.door.belief(second.strategy_id, YES.id).probability == 0.6


@pytest.mark.parametrize("says", [0, 1, -0.1, 1.1, float("nan"), float("inf"), 1e-18])
def test_certainty_and_nonsense_are_no_beliefs(says):
    with Stage(seated(Believer, says=says), guard=(guard := Curious())) as stage:
        stage.play(QUIET)
        assert "expected a belief in (0, 1) for KXFED-27JAN-C-" in str(*stage.door.faults.values())
        assert stage.door.belief(stage.strategies[0].strategy_id, YES.id) is None
        assert guard.asked == []


# Who hears first


class Hearer(Strategy[Settings]):
    """Writes down what it hears into a list that it shares with others."""

    leaves_after = None

    def on_start(self):
        self.follow(self.config.series)
        self.subscribe_oracle("BTC-USD", "COINBASE")
        self.subscribe_quotes(YES.id)
        self.subscribe_trades(YES.id)
        self.subscribe_book_deltas(YES.id, BookType.L2_MBP)

    def note(self, what):
        self.heard.append(f"{what} {self.strategy_id}")

    def on_market(self, market):
        self.note("market")

    def on_oracle(self, price):
        self.note(f"oracle {price.value}")

    def on_quote(self, quote):
        self.note(f"quote {(quote.ts_init - START) // SECOND}")
        if quote.ts_init == self.leaves_after:
            self.unsubscribe_quotes(YES.id)

    def on_trade(self, trade):
        self.note(f"trade {trade.trade_id}")

    def on_book_deltas(self, deltas):
        self.note(f"book {(deltas.ts_init - START) // SECOND}")


def trade(name, at):
    now = START + round(at * SECOND)
    trade_id = name if isinstance(name, TradeId) else TradeId(name)
    return TradeTick(YES.id, Price(0.5, 4), Quantity(1, 2), AggressorSide.BUY, trade_id, now, now)


def oracle(at):
    now = START + round(at * SECOND)
    words = {"source": "COINBASE", "symbol": "BTC-USD", "method": Method.SPOT}
    return OraclePrice(ts_event=now, ts_init=now, value=Decimal(at), **words)


DAY = [
    *(row for at in range(2, 6) for row in book(0.48, 0.52, at)),
    trade(sweep_id(TradeId("t"), 0), 6),
    trade("t", 6),
    *book(0.47, 0.51, 7),
]


def heard_by_three(leaves_after=(None, None, None)):
    heard = []
    makers = [seated(Hearer, heard=heard, leaves_after=after) for after in leaves_after]
    with Stage(*makers, markets=()) as stage:
        stage.play(facts=[oracle(1)])
        stage.add(FED)
        stage.play(DAY, [oracle(8)])
        assert stage.door.faults == {}
    return heard


def test_everything_is_heard_once_by_each_in_the_order_of_their_seats_in_every_run():
    days = ["oracle 1", "market"]
    days += [what for at in range(2, 6) for what in (f"book {at}", f"quote {at}")]
    days += ["trade t", "book 7", "quote 7", "oracle 8"]
    expected = [f"{what} toy-{seat}" for what in days for seat in (1, 2, 3)]
    assert [heard_by_three() for _ in range(10)] == [expected] * 10


@pytest.mark.parametrize("leaver", [0, 1, 2])
def test_who_unsubscribes_hears_no_more_and_the_others_hear_everything_once(leaver):
    leaves = [None, None, None]
    leaves[leaver] = START + 3 * SECOND
    expected = [
        f"quote {at} toy-{seat}"
        for at in (2, 3, 4, 5, 7)
        for seat in (1, 2, 3)
        if seat != leaver + 1 or at <= 3
    ]
    for _ in range(10):
        assert [one for one in heard_by_three(leaves) if one.startswith("quote")] == expected


def test_all_may_leave_at_once():
    for _ in range(5):
        quotes = [one for one in heard_by_three([START + 3 * SECOND] * 3) if one.startswith("quote")]
        assert quotes == [f"quote {at} toy-{seat}" for at in (2, 3) for seat in (1, 2, 3)]


def test_who_comes_back_takes_its_old_place():
    class Returner(Hearer):
        def on_book_deltas(self, deltas):
            if deltas.ts_init == START + 3 * SECOND:
                self.subscribe_quotes(YES.id)

    heard = []
    with Stage(seated(Returner, heard=heard, leaves_after=START), seated(Hearer, heard=heard)) as stage:
        stage.play(QUIET)
    expected = [
        "quote 0 toy-1",
        "quote 0 toy-2",
        "quote 1 toy-2",
        "quote 2 toy-2",
        "quote 3 toy-1",
        "quote 3 toy-2",
    ]
    assert [one for one in heard if one.startswith("quote")] == expected


def test_who_leaves_and_comes_back_within_a_handler_has_missed_nothing():
    class Fickle(Hearer):
        def on_quote(self, quote):
            super().on_quote(quote)
            self.unsubscribe_quotes(YES.id)
            self.subscribe_quotes(YES.id)

    expected = [f"quote {at} toy-{seat}" for at in range(4) for seat in (1, 2, 3)]
    for _ in range(10):
        heard = []
        with Stage(*(seated(kind, heard=heard) for kind in (Fickle, Hearer, Fickle))) as stage:
            stage.play(QUIET)
        assert [one for one in heard if one.startswith("quote")] == expected


@pytest.mark.parametrize("seats", [1, 2])
def test_who_asks_twice_hears_once(seats):
    class Twice(Hearer):
        def on_start(self):
            super().on_start()
            super().on_start()
            self.follow(Series("kalshi:KXCPI-*"))

    heard = []
    with Stage(*[seated(Twice, heard=heard)] * seats) as stage:
        stage.play(QUIET)
        stage.add(market("KXCPI-27JAN-C"))
        stage.play(facts=[oracle(5)])
    told = [
        "market",
        *(f"{kind} {at}" for at in range(4) for kind in ("book", "quote")),
        "market",
        "oracle 5",
    ]
    assert heard == [f"{what} toy-{seat}" for what in told for seat in range(1, seats + 1)]


def test_a_single_strategy_hears_the_engine_itself():
    def never(*_):
        raise AssertionError("the switchboard was asked")

    heard = []
    with Stage(seated(Hearer, heard=heard)) as stage:
        stage.door.board.deliver = never
        stage.play(DAY, [oracle(8)])
        assert stage.door.faults == {}
    assert len(heard) == 1 + 5 + 5 + 1 + 1
    assert not any("SWEEP" in one for one in heard)


# Commands that arrive on time


class Diary(Strategy[Settings]):
    """Writes down when an order was filled or taken back."""

    def on_start(self):
        self.diary = []
        self.subscribe_quotes(YES.id)

    def on_order_filled(self, event):
        self.diary.append(("filled", str(event.last_px), event.ts_event - START))

    def on_order_canceled(self, event):
        self.diary.append(("canceled", event.ts_event - START))


SILENCE = [*book(0.48, 0.52, 0), *book(0.40, 0.60, 10)]


def diary_of(cls, data=SILENCE):
    with Stage(seated(cls), model=SLOW) as stage:
        stage.play(data)
        assert stage.door.faults == {}
        return stage.strategies[0].diary


def test_an_order_reaches_a_silent_market_after_exactly_its_latency():
    class Taker(Diary):
        def on_quote(self, quote):
            if quote.ts_init == START:
                self.buy(YES.id, Decimal(10), Decimal("0.52"), time_in_force=TimeInForce.IOC)

    assert diary_of(Taker) == [("filled", "0.5200", 137_000_000)]


def test_a_cancel_reaches_a_silent_market_after_exactly_its_latency():
    class Timid(Diary):
        def on_quote(self, quote):
            if quote.ts_init == START:
                self.order = self.buy(YES.id, Decimal(10), Decimal("0.30"))
                self.clock.set_time_alert_ns("regret", START + 2 * SECOND)

        def on_time_event(self, event):
            self.cancel_order(self.order.client_order_id)

    assert diary_of(Timid) == [("canceled", 2_137_000_000)]


def test_orders_of_one_moment_and_of_the_next_are_all_on_time():
    class Busy(Diary):
        def on_quote(self, quote):
            self.act()
            if quote.ts_init == START:
                self.clock.set_time_alert_ns("again", START + 1)

        def on_time_event(self, event):
            self.act()

        def act(self):
            for _ in range(2):
                self.buy(YES.id, Decimal(1), Decimal("0.6"), time_in_force=TimeInForce.IOC)

    at = [moment for _, _, moment in diary_of(Busy, book(0.48, 0.52, 0) + book(0.48, 0.52, 30))]
    assert at[:4] == [137_000_000, 137_000_000, 137_000_001, 137_000_001]


# Prices that the market accepts


def test_a_wish_is_rounded_to_the_side_that_costs_no_more_on_a_tapered_scale():
    tapered = market("KXFED-27JAN-T", price_ranges=TAPERED)
    wishes = [("0.0557", "0.055", "0.056"), ("0.555", "0.55", "0.56"), ("0.9557", "0.955", "0.956")]

    class Wishes(Diary):
        def on_start(self):
            self.diary = []
            self.subscribe_quotes(tapered.yes.id)

        def on_quote(self, quote):
            for wish, _, _ in wishes:
                orders = [
                    act(tapered.yes.id, Decimal("1.239"), Decimal(wish)) for act in (self.buy, self.sell)
                ]
                self.diary.append(tuple(str(order.price.as_decimal().normalize()) for order in orders))
                assert {str(order.quantity) for order in orders} == {"1.23"}

    with Stage(seated(Wishes), markets=(tapered,)) as stage:
        stage.play(book(0.01, 0.99, 0, of=tapered.yes))
        assert stage.door.faults == {}
        assert stage.strategies[0].diary == [(floor, ceil) for _, floor, ceil in wishes]


@pytest.mark.parametrize(
    ("way", "contracts", "price"),
    [
        ("buy", "1", "0.0099"),
        ("buy", "1", "-1"),
        ("sell", "1", "0.9901"),
        ("sell", "1", "1.5"),
        ("buy", "0.0099", "0.5"),
    ],
)
def test_less_than_a_lot_or_a_tick_is_no_order(way, contracts, price):
    class Tiny(Diary):
        def on_quote(self, quote):
            self.diary.append(getattr(self, way)(YES.id, Decimal(contracts), Decimal(price)))

    assert diary_of(Tiny, book(0.48, 0.52, 0)) == [None]


def test_finer_ticks_count_from_the_moment_at_which_the_venue_issues_them():
    class Penny(Diary):
        def on_quote(self, quote):
            self.diary.append(str(self.buy(YES.id, Decimal(1), Decimal("0.0557")).price))

    with Stage(seated(Penny)) as stage:
        stage.play(QUIET[:2])
        stage.add(market(price_ranges=TAPERED, known_ns=START + SECOND))
        stage.play(book(0.48, 0.52, 3))
        assert stage.strategies[0].diary == ["0.0500", "0.0550"]


# What an open contract is worth


@pytest.mark.parametrize(
    ("quotes", "mark"),
    [
        ([], None),
        ([(0, 0, 1, 0)], None),
        ([(0.48, 5, 0.52, 5)], "0.48"),
        ([(0.48, 5, 0.52, 5), (0.47, 5, 0.52, 5)], "0.47"),
        ([(0.48, 5, 0.52, 5), (0, 0, 0.52, 5)], "0"),
        ([(0.48, 5, 1, 0)], "0.48"),
        ([(0.48, 5, 0.52, 5), (0.47, 5, 0.52, 5), (0, 0, 1, 0), (0, 0, 1, 0)], "0.47"),
        ([(0.48, 5, 0.52, 5), (0, 0, 0.02, 5), (0, 0, 1, 0)], "0"),
    ],
)
def test_a_contract_is_marked_at_the_last_bid_of_a_book_that_was_not_empty(quotes, mark):
    empty = OrderBookDeltas(YES.id, cleared(YES.id, START))
    with Stage() as stage:
        stage.play([empty, *(quote(*one, at) for at, one in enumerate(quotes))])
        assert stage.door.mark(YES.id) == (mark and Decimal(mark))


def test_an_emptied_market_keeps_its_mark_and_the_desk_says_what_it_last_showed():
    empty = [OrderBookDeltas(YES.id, cleared(YES.id, START + SECOND)), no_quote(YES.id, START + SECOND)]
    with Stage() as stage:
        stage.play([*book(0.48, 0.52, 0), *empty])
        assert stage.door.mark(YES.id) == Decimal("0.48")
        assert stage.door.quote(YES.id) == empty[1]
        assert stage.door.instrument(YES.id).id == YES.id
        assert stage.door.free_cash(Venue("KALSHI")) == 1000
        assert stage.door.free_cash(Venue("ELSEWHERE")) is None
