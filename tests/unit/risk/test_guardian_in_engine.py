from decimal import Decimal

import pytest
from nautilus_trader.backtest import BacktestEngine, BacktestEngineConfig
from nautilus_trader.common import LoggerConfig, LogLevel
from nautilus_trader.execution import FeeModel, StaticLatencyModel
from nautilus_trader.model import (
    AccountType,
    BookAction,
    BookOrder,
    BookType,
    InstrumentClose,
    InstrumentCloseType,
    Money,
    OmsType,
    OrderBookDelta,
    OrderBookDeltas,
    OrderSide,
    Price,
    Quantity,
    QuoteTick,
    RecordFlag,
    StrategyId,
    TimeInForce,
    TraderId,
    Venue,
)

from engine import GUARD, Door, Seat, Strategy, StrategyConfig, Usd
from markets.currencies import USD
from markets.instruments import MarketTerms, PriceRange, info_of, make_pair
from pricing.fees import FeeSchedule, OrderFees
from risk.guardian import Guardian
from risk.ledger import Ledger
from risk.rules.exposure import MaxDeployed, MaxStakePerEvent, MaxStakePerOutcome, MaxStakePerVenue
from risk.rules.loss import MaxDailyLoss, RatchetingDrawdown
from risk.rules.rule import Rule
from risk.rules.sanity import PriceOnGrid, StalePrice, SufficientBalance

SECOND, START = 1_000_000_000, 1_790_000_000_000_000_000
PAIR = make_pair(
    MarketTerms(
        market="KXFED-27JAN-C", venue="KALSHI", series="KXFED", event="KXFED-27JAN", title="Cut?",
        opens_ns=START - SECOND, closes_ns=START + 3600 * SECOND, known_ns=START - SECOND,
        price_ranges=(PriceRange(Decimal(0), Decimal(1), Decimal("0.01")),),
        fees=({"since_ns": 0, "taker_rate": "0.07", "maker_rate": "0.0175", "exponent": 1,
               "fee_unit": "0.000001", "cash_unit": "0.0001"},),
    )
)  # fmt: skip
YES = PAIR.yes
TERMS = FeeSchedule.from_info(info_of(YES)).at(START)


class VenueFees(FeeModel):
    def get_commission(self, order, fill_quantity, fill_px, instrument):
        if order.tags and any(tag.startswith("EXPIRATION_") for tag in order.tags):
            return Money(0, USD)
        quantity, price = fill_quantity.as_decimal(), fill_px.as_decimal()
        cash = quantity * price * (-1 if order.side == OrderSide.BUY else 1)
        fee = OrderFees(TERMS).charge(quantity, price, cash, order.liquidity_side.name == "TAKER")
        return Money.from_decimal(fee, USD)


def book(bid, ask, at, size=500):
    now = START + at * SECOND
    flag = RecordFlag.F_SNAPSHOT.value
    rows = [(BookAction.CLEAR, BookOrder(None, Price(0, 4), Quantity(0, 2), 0), flag)]
    rows.append((BookAction.ADD, BookOrder(OrderSide.BUY, Price(bid, 4), Quantity(size, 2), 0), flag))
    rows.append(
        (
            BookAction.ADD,
            BookOrder(OrderSide.SELL, Price(ask, 4), Quantity(size, 2), 0),
            flag | RecordFlag.F_LAST.value,
        )
    )
    deltas = [OrderBookDelta(YES.id, action, order, flags, 0, now, now) for action, order, flags in rows]
    quote = QuoteTick(YES.id, Price(bid, 4), Price(ask, 4), Quantity(size, 2), Quantity(size, 2), now, now)
    return [OrderBookDeltas(YES.id, deltas), quote]


QUIET = [row for at in range(8) for row in book(0.48, 0.52, at)]


class Watched(Guardian):
    """Checks the books after every event, and keeps what it heard."""

    def hear(self, event, desk):
        super().hear(event, desk)
        self.ledger.audit()
        self.heard = [*getattr(self, "heard", []), type(event).__name__]


class Settings(StrategyConfig, frozen=True):
    pass


class Steps(Strategy[Settings]):
    def on_start(self):
        self.quotes, self.denials = 0, []
        self.subscribe_quotes(YES.id)
        self.subscribe_instrument_close(YES.id)

    def on_quote(self, quote):
        self.quotes += 1
        getattr(self, f"step_{self.quotes}", lambda: None)()

    def on_order_denied(self, event):
        self.denials.append(event.reason)

    def on_order_modify_rejected(self, event):
        self.denials.append(event.reason)


ALL_RULES = [
    MaxStakePerOutcome(limit=Usd(400)),
    MaxStakePerEvent(limit=Usd(500)),
    MaxStakePerVenue(limit=Usd(600)),
    MaxDeployed(limit=Usd(700)),
    MaxDailyLoss(limit=Usd(100)),
    RatchetingDrawdown(limit=0.2),
    StalePrice(max_age_secs=5),
    PriceOnGrid(),
    SufficientBalance(),
]


def run(cls, rules=ALL_RULES, data=QUIET, latency_ns=0, guard_type=Watched):
    ledger = Ledger()
    ledger.deposit("KALSHI", Decimal(1000), START)
    guard = guard_type(rules, ledger)
    door = Door(guard, wake_after_ns=latency_ns)
    strategy = cls(Settings(), Seat(StrategyId("toy-1"), door))
    engine = BacktestEngine(
        BacktestEngineConfig(trader_id=TraderId("TOY-001"), logging=LoggerConfig(stdout_level=LogLevel.OFF))
    )
    engine.add_venue(
        Venue("KALSHI"), OmsType.NETTING, AccountType.CASH, [Money(1000, USD)], base_currency=USD,
        book_type=BookType.L2_MBP, fee_model=VenueFees(), liquidity_consumption=True,
        latency_model=StaticLatencyModel(base_latency_nanos=latency_ns) if latency_ns else None,
    )  # fmt: skip
    engine.add_instrument(PAIR.yes)
    engine.add_instrument(PAIR.no)
    engine.add_data(list(data))
    engine.add_exec_algorithm(door)
    engine.add_strategy(strategy)
    engine.run()
    total = engine.portfolio.account(Venue("KALSHI")).balance_total(USD).as_decimal()
    engine.dispose()
    assert door.faults == {}
    assert door.broken is None, repr(door.broken)
    assert ledger.cash_usd("KALSHI") == total
    return guard, strategy


def close_at(at, price):
    now = START + at * SECOND
    return InstrumentClose(YES.id, Price(price, 4), InstrumentCloseType.CONTRACT_EXPIRED, now, now)


@pytest.mark.parametrize("latency_ns", [0, 50_000_000])
@pytest.mark.parametrize(("payout", "profit"), [(1, "32.4"), (0, "-37.6"), (0.5, "-2.6")])
def test_from_order_to_settlement_the_books_are_the_accounts(latency_ns, payout, profit):
    class Life(Steps):
        def step_1(self):
            self.buy(YES.id, Decimal(100), Decimal("0.52"), time_in_force=TimeInForce.IOC)
            self.buy(YES.id, Decimal(10), Decimal("0.40"))

        def step_3(self):
            self.sell(YES.id, Decimal(30), Decimal("0.48"))
            self.sell(YES.id, Decimal(80), Decimal("0.60"))

    guard, strategy = run(Life, data=[*QUIET, close_at(9, payout)], latency_ns=latency_ns)
    assert strategy.denials == [
        "sell_what_is_held: 80.00 contracts of KXFED-27JAN-C-YES.KALSHI would be on offer, "
        f"{strategy.strategy_id} holds 70.00 that are not yet"
    ]
    assert guard.ledger.realized_usd == Decimal(profit)
    assert guard.ledger.fees_usd == Decimal("2.2714")
    assert guard.ledger.positions() == ()
    assert (guard.exposure.reserved.total, guard.exposure.live_count()) == (0, 0)


def test_changes_in_place_are_judged_reserved_and_confirmed():
    seen = []

    class Mover(Steps):
        def step_1(self):
            self.order = self.buy(YES.id, Decimal(100), Decimal("0.40"))

        def step_2(self):
            self.modify_order(self.order.client_order_id, quantity=Quantity(2000, 2))
            self.modify_order(self.order.client_order_id, quantity=Quantity(200, 2))

        def step_3(self):
            self.modify_order(self.order.client_order_id, quantity=Quantity(50, 2), price=Price(0.3, 4))

        def step_4(self):
            self.cancel_order(self.order.client_order_id)

        def on_order_event(self, event):
            seen.append((type(event).__name__, guards[0].exposure.reserved.total))

    guards = []

    class Shown(Watched):
        def __init__(self, *args):
            super().__init__(*args)
            guards.append(self)

    _, strategy = run(Mover, guard_type=Shown)
    assert len(strategy.denials) == 1
    assert strategy.denials[0].startswith("max_stake_per_outcome: 833.6 USD would be at stake")
    assert [row for row in seen if row[0] in ("OrderAccepted", "OrderUpdated", "OrderCanceled")] == [
        ("OrderAccepted", Decimal("41.68")),
        ("OrderUpdated", Decimal("83.36")),
        ("OrderUpdated", Decimal("15.735")),
        ("OrderCanceled", Decimal(0)),
    ]


class Deaf(Rule, frozen=True):
    """Refuse what is not a hundred contracts."""

    def refuse(self, proposal, standing):
        return None if proposal.quantity == 100 else self.because(f"{proposal.quantity} contracts")


@pytest.mark.parametrize(
    ("whole", "only_sales", "answers", "reserved"),
    [
        (30, False, ["OrderPendingUpdate", "OrderUpdated", "OrderCanceled"], "0"),
        (30, True, ["OrderPendingUpdate", "OrderUpdated", "OrderCanceled"], "0"),
        (
            20,
            False,
            ["OrderPendingUpdate", "OrderModifyRejected"],
            "37.6231",
        ),  # the simulated exchange's refusal
    ],
)
def test_a_change_to_no_more_than_what_is_filled_asks_nothing_of_the_rules(
    whole, only_sales, answers, reserved
):
    class Shrinker(Steps):
        def step_1(self):
            self.order = self.buy(YES.id, Decimal(100), Decimal("0.52"))

        def step_2(self):
            if only_sales:
                guards[0].reduce_only("a test", START)
            self.modify_order(self.order.client_order_id, quantity=Quantity(whole, 2))

        def step_3(self):
            left.append(
                (self.cache.order(self.order.client_order_id).is_open, guards[0].exposure.reserved.total)
            )

    class Shown(Watched):
        def __init__(self, *args):
            super().__init__(*args)
            guards.append(self)

    guards, left = [], []
    data = [row for at in range(8) for row in book(0.48, 0.60 if at else 0.52, at, size=30)]
    guard, strategy = run(Shrinker, rules=[Deaf()], data=data, guard_type=Shown)
    assert not [reason for reason in strategy.denials if reason.startswith(("deaf", "sound_order"))]
    assert guard.heard[guard.heard.index("PositionOpened") + 1 :][: len(answers)] == answers
    assert guard.heard.count("OrderFilled") == 1
    assert left == [(whole == 20, Decimal(reserved))]


def test_a_halt_in_the_middle_denies_what_comes_and_cancels_still_pass():
    class Halting(Watched):
        def hear(self, event, desk):
            super().hear(event, desk)
            if type(event).__name__ == "OrderFilled":
                self.halt("enough", desk.now_ns())

    class Keen(Steps):
        def step_1(self):
            self.resting = self.buy(YES.id, Decimal(10), Decimal("0.40"))
            self.buy(YES.id, Decimal(10), Decimal("0.52"), time_in_force=TimeInForce.IOC)

        def step_2(self):
            self.buy(YES.id, Decimal(10), Decimal("0.40"))
            self.market_exit()
            self.modify_order(self.resting.client_order_id, quantity=Quantity(5, 2))

    guard, strategy = run(Keen, guard_type=Halting)
    assert set(strategy.denials) == {"trading_state: halted: enough"}
    assert guard.exposure.live_count() == 0
    assert guard.ledger.quantity(None, str(YES.id)) == 10


def test_a_bracket_offers_what_is_not_held_yet_and_is_denied_as_a_whole():
    class Bracket(Steps):
        def step_1(self):
            self.submit_order_list(
                self.order_factory.bracket(
                    YES.id, OrderSide.BUY, Quantity(10, 2),
                    entry_exec_algorithm_id=GUARD, tp_exec_algorithm_id=GUARD, sl_exec_algorithm_id=GUARD,
                    tp_price=Price(0.7, 4), sl_trigger_price=Price(0.3, 4),
                )
            )  # fmt: skip

    guard, strategy = run(Bracket)
    assert len(strategy.denials) == 3
    assert strategy.denials[0].startswith("sell_what_is_held")
    assert guard.exposure.live_count() == 0
