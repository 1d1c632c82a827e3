"""What stops trading also takes down what rests, although no strategy lifts a finger."""

from decimal import Decimal

import pytest
from nautilus_trader.model import TimeInForce
from risk_stage import C, H, Tape, play
from stage import Stage
from toy import SECOND, START, YES, Nobody, book, market

from engine import Clearing, Strategy, StrategyConfig, Usd
from markets.facts import Condition, DataGap, MarketPhase, MarketResolution, Phase, VenueCondition
from risk.guardian import Guardian
from risk.ledger import Ledger
from risk.rules.exposure import MaxDeployed
from risk.rules.loss import MaxDailyLoss
from risk.state import State
from simulation.settings import VenueModel

QUOTES = [row for at in range(8) for row in book(0.48, 0.52, at)]
FIFTY = [(str(number), Decimal("0.40") - Decimal("0.01") * (number % 10)) for number in range(50)]


def guardian(*rules):
    ledger = Ledger()
    ledger.deposit("KALSHI", Decimal(1000), START)
    return Guardian(list(rules) or [MaxDeployed(limit=Usd(1000))], ledger)


class Settings(StrategyConfig, frozen=True):
    pass


class Steps(Strategy[Settings]):
    """Does step_1, step_2 ... at its quotes; it never cancels anything."""

    def on_start(self):
        self.quotes, self.story = 0, []
        self.subscribe_quotes(YES.id)

    def on_quote(self, quote):
        self.quotes += 1
        getattr(self, f"step_{self.quotes}", lambda: None)()

    def on_order_event(self, event):
        self.story.append((type(event).__name__, (event.ts_event - START) / SECOND))

    def told(self, name):
        return [at for event, at in self.story if event == name]

    def rest_fifty(self):
        for _, price in FIFTY:
            self.buy(YES.id, Decimal(1), price)

    def hold(self, contracts=10):
        self.buy(YES.id, Decimal(contracts), Decimal("0.52"), time_in_force=TimeInForce.IOC)


def played(cls, guard, data=QUOTES, **stage):
    with Stage(lambda seat: cls(Settings(), seat), guard=guard, **stage) as one:
        one.play(data)
        strategy = one.strategies[0]
        assert one.door.faults == {}
        return strategy, [str(order.side) for order in strategy.cache.orders_open()]


def test_a_halt_cancels_fifty_resting_orders_and_lets_no_order_out_after():
    guard = guardian()

    class Idle(Steps):
        def step_1(self):
            self.rest_fifty()

        def step_3(self):
            guard.halt("operator wants out", START)
            self.buy(YES.id, Decimal(1), Decimal("0.40"))

        def step_5(self):
            self.buy(YES.id, Decimal(1), Decimal("0.40"))

    strategy, resting = played(Idle, guard)
    assert (len(strategy.told("OrderAccepted")), len(strategy.told("OrderCanceled")), resting) == (50, 50, [])
    assert set(strategy.told("OrderCanceled")) == {2.0}  # at once, before the next quote
    assert len(strategy.told("OrderDenied")) == 2
    assert (guard.exposure.live_count(), guard.exposure.reserved.total) == (0, 0)


def test_a_halt_from_outside_between_two_quotes_cancels_before_the_next_book():
    guard = guardian()

    class Idle(Steps):
        def step_1(self):
            self.rest_fifty()

    with Stage(lambda seat: Idle(Settings(), seat), guard=guard) as stage:
        stage.play(QUOTES[:6])
        guard.halt("operator wants out", START)
        stage.play(book(0.20, 0.24, 4))  # at 0.24 every one of them would have been filled
        assert len(stage.strategies[0].told("OrderCanceled")) == 50
        assert stage.strategies[0].told("OrderFilled") == []


def test_an_order_under_way_when_trading_halts_is_cancelled_when_it_arrives():
    guard = guardian()

    class Idle(Steps):
        def step_1(self):
            self.rest_fifty()
            guard.halt("operator wants out", START)

    strategy, resting = played(Idle, guard, model=VenueModel(latency_ms=300, queue_position=False))
    assert set(strategy.told("OrderAccepted")) == {0.3}
    assert len(strategy.told("OrderCanceled")) == 50
    assert max(strategy.told("OrderCanceled")) < 2
    assert resting == []


def test_reduce_only_takes_down_what_opens_and_leaves_what_sells():
    guard = guardian()

    class Both(Steps):
        def step_1(self):
            self.hold()
            self.rest_fifty()

        def step_2(self):
            self.sell(YES.id, Decimal(10), Decimal("0.60"))

        def step_3(self):
            guard.reduce_only("careful", START)

    strategy, resting = played(Both, guard)
    assert len(strategy.told("OrderCanceled")) == 50
    assert resting == ["SELL"]
    guard.resume("looked at it", "ann", START)
    assert guard.switch.history[0].lifted_by == "a named operator, with a reason"
    assert guard.switch.history[1].lifted_by == "nobody needs to"


def test_a_guard_that_broke_wants_nothing_to_rest():
    class Breaks(Nobody):
        def hear(self, event, desk):
            if type(event).__name__ == "OrderAccepted" and len(self.asked) == 50:
                raise KeyError("ledger")

    class Idle(Steps):
        def step_1(self):
            self.rest_fifty()

    strategy, resting = played(Idle, Breaks())
    assert (len(strategy.told("OrderCanceled")), resting) == (50, [])


def test_what_a_guard_wants_gone_is_not_cancelled_twice():
    class Picky(Nobody):
        def unwanted(self, desk):
            return Clearing.OPENING if len(self.asked) >= 50 else Clearing.NOTHING

    class Idle(Steps):
        def step_1(self):
            self.rest_fifty()

    strategy, resting = played(Idle, Picky(), model=VenueModel(latency_ms=300, queue_position=False))
    assert len(strategy.told("OrderPendingCancel")) == 50
    assert (len(strategy.told("OrderCanceled")), resting) == (50, [])


def test_a_daily_loss_takes_down_the_bids_that_rest_and_not_only_new_orders():
    guard = guardian(MaxDailyLoss(limit=Usd(5)))

    class Loser(Steps):
        def step_1(self):
            self.hold(100)
            self.buy(YES.id, Decimal(1), Decimal("0.30"))
            self.buy(YES.id, Decimal(1), Decimal("0.02"))

    falling = [row for at in range(6) for row in book(0.48 if at < 2 else 0.40, 0.52, at)]
    strategy, resting = played(Loser, guard, falling)
    assert len(strategy.told("OrderFilled")) == 1
    assert (len(strategy.told("OrderCanceled")), resting) == (2, [])
    assert max(strategy.told("OrderCanceled")) <= 3  # a second after the price fell, at the latest
    assert guard.state == State.ACTIVE


def test_after_a_pause_trading_goes_on_by_itself():
    guard = guardian(MaxDailyLoss(limit=Usd(5)))
    next_day = 86_400 - START // SECOND % 86_400

    class Loser(Steps):
        def step_1(self):
            self.hold(100)

        def step_3(self):
            self.buy(YES.id, Decimal(1), Decimal("0.02"))

        def step_4(self):
            self.buy(YES.id, Decimal(1), Decimal("0.02"))

    days = [
        row
        for at in (0, 1, 2, next_day + 5, next_day + 6)
        for row in book(0.26 if at > 1 else 0.48, 0.52, at)
    ]
    lasting = market(closes_ns=START + 3 * 86_400 * SECOND)
    strategy, resting = played(Loser, guard, days, markets=(lasting,))
    assert len(strategy.told("OrderDenied")) == 1
    assert resting == ["BUY"]


BID = [(1, "rest", f"{C}:YES", "10", "0.40")]
LATE_BID = [*BID, (5, "rest", f"{C}:YES", "10", "0.41")]
AT = {"ts_event": START + 3 * SECOND, "ts_init": START + 3 * SECOND, "venue": "KALSHI"}
OF_C = AT | {"series": "KXFED", "market": C}
UNRESOLVED = [{"rule": "risk.rules.evidence:MarketUnresolved", "config": {"margin_secs": 0}}]


@pytest.mark.parametrize("word", ["closed_only", "geoblocked", "banned"])
def test_a_restriction_by_the_venue_stops_trading_without_any_rule(word):
    fact = VenueCondition(**AT, condition=Condition(word))
    record = play([], LATE_BID, Tape(facts=(fact,), moves={(C, 6): (0.30, 0.34)}))
    assert [one.rule for one in record.refusals] == ["trading_state"]
    assert f"KALSHI says {word}" in record.refusals[0].reason
    assert record.fills == []  # what rested would have been filled at second 6


@pytest.mark.parametrize(
    ("fact", "says"),
    [
        (MarketPhase(**OF_C, phase=Phase.PAUSED, closes_ns=START), f"{C}.KALSHI is paused"),
        (MarketPhase(**OF_C, phase=Phase.DISPUTED, closes_ns=START), f"{C}.KALSHI is disputed"),
        (
            MarketResolution(**OF_C, payout=Decimal(1), source="venue", is_final=False),
            f"{C}.KALSHI is to pay 1 USD a contract, which is not final",
        ),
        (
            MarketResolution(**OF_C, payout=Decimal(1), source="venue", is_final=False, is_disputed=True),
            f"{C}.KALSHI is disputed",
        ),
    ],
)
def test_what_a_venue_says_of_a_market_reaches_the_guardian_in_a_backtest(fact, says):
    record = play(UNRESOLVED, LATE_BID, Tape(facts=(fact,)))
    assert [one.reason for one in record.refusals] == [says]


def test_a_market_that_goes_on_may_be_bought_again():
    facts = (
        MarketPhase(**OF_C, phase=Phase.PAUSED, closes_ns=START),
        MarketPhase(**(OF_C | {"ts_init": START + 4 * SECOND}), phase=Phase.OPEN, closes_ns=START),
    )
    assert play(UNRESOLVED, LATE_BID, Tape(facts=facts)).refusals == []


def test_what_is_said_of_one_market_stops_no_other():
    fact = MarketPhase(**OF_C, phase=Phase.PAUSED, closes_ns=START)
    assert play(UNRESOLVED, [(5, "rest", f"{H}:YES", "10", "0.41")], Tape(facts=(fact,))).refusals == []


def test_a_gap_puts_the_book_in_doubt_until_the_next_quote():
    rules = [{"rule": "risk.rules.evidence:ConfirmedBook", "config": {}}]
    gap = DataGap(**OF_C, until_ns=START + 7 * SECOND, reason="a sequence was missed")
    acts = [(at, "rest", f"{C}:YES", "10", "0.41") for at in (5, 9)]
    record = play(rules, acts, Tape(facts=(gap,)))
    assert [one.rule for one in record.refusals] == ["confirmed_book"]
