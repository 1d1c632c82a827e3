"""Ways around the guardian, each tried by a strategy: all of them end at it, or nowhere."""

from decimal import Decimal

import pytest
from nautilus_trader import trading  # noqa: TID251 - here it is the way around
from nautilus_trader.model import ExecAlgorithmId, OrderSide, Price, Quantity, TimeInForce
from stage import Stage
from toy import NO, START, YES, book, replay, seat

from engine import GUARD, Door, ExecutionAlgorithm, Strategy, StrategyConfig, Usd
from risk.guardian import Guardian
from risk.ledger import Ledger
from risk.rules.exposure import MaxStakePerOutcome
from risk.state import State

QUOTES = [row for at in range(8) for row in book(0.48, 0.52, at)]


def guardian(limit=10):
    ledger = Ledger()
    ledger.deposit("KALSHI", Decimal(1000), START)
    return Guardian([MaxStakePerOutcome(limit=Usd(limit))], ledger)


class Settings(StrategyConfig, frozen=True):
    pass


class Steps(Strategy[Settings]):
    """Does step_1, step_2 ... at its quotes, and remembers what was said of its orders."""

    def on_start(self):
        self.quotes, self.denied, self.accepted, self.cancelled = 0, [], 0, 0
        self.subscribe_quotes(YES.id)

    def on_quote(self, quote):
        self.quotes += 1
        getattr(self, f"step_{self.quotes}", lambda: None)()

    def on_order_denied(self, event):
        self.denied.append(event.reason)

    def on_order_modify_rejected(self, event):
        self.denied.append(event.reason)

    def on_order_accepted(self, event):
        self.accepted += 1

    def on_order_canceled(self, event):
        self.cancelled += 1

    def hold(self):
        self.buy(YES.id, Decimal(10), Decimal("0.52"), time_in_force=TimeInForce.IOC)

    def order(self, **more):
        return self.order_factory.limit(YES.id, OrderSide.BUY, Quantity(100, 2), Price(0.4, 4), **more)


def played(cls, guard=None):
    guard = guard or guardian()
    with Stage(lambda seat: cls(Settings(), seat), guard=guard) as stage:
        stage.play(QUOTES)
        strategy, faults = stage.strategies[0], dict(stage.door.faults)
        assert stage.door.broken is None
        open_orders = len(strategy.cache.orders_open())
    return guard, strategy, faults, open_orders


class OwnAlgorithm(Steps):
    def step_1(self):
        self.buy(YES.id, Decimal(100), Decimal("0.4"), exec_algorithm_id=ExecAlgorithmId("MINE"))


class OwnAlgorithmOnAnOrder(Steps):
    def step_1(self):
        self.submit_order(self.order(exec_algorithm_id=ExecAlgorithmId("MINE")))


class NoAlgorithm(Steps):
    def step_1(self):
        self.submit_order(self.order())


class ListWithoutAlgorithm(Steps):
    def step_1(self):
        bracket = self.order_factory.bracket(
            YES.id, OrderSide.BUY, Quantity(100, 2), tp_price=Price(0.7, 4), sl_trigger_price=Price(0.3, 4)
        )
        self.submit_order_list(bracket)


@pytest.mark.parametrize("way", [OwnAlgorithm, OwnAlgorithmOnAnOrder, NoAlgorithm, ListWithoutAlgorithm])
def test_an_order_that_is_not_routed_to_the_guardian_stops_its_strategy(way):
    guard, strategy, faults, open_orders = played(way)
    assert "routed to one of GUARD" in str(next(iter(faults.values())))
    assert (strategy.accepted, open_orders, guard.exposure.live_count()) == (0, 0, 0)


class Plain(Steps):
    def step_1(self):
        self.buy(YES.id, Decimal(100), Decimal("0.4"))


class Routed(Steps):
    def step_1(self):
        self.submit_order(self.order(exec_algorithm_id=GUARD))


class AnyPrice(Steps):
    def step_1(self):
        self.submit_order(
            self.order_factory.market(YES.id, OrderSide.BUY, Quantity(100, 2), exec_algorithm_id=GUARD)
        )


class List(Steps):
    def step_1(self):
        bracket = self.order_factory.bracket(
            YES.id, OrderSide.BUY, Quantity(100, 2), tp_price=Price(0.7, 4), sl_trigger_price=Price(0.3, 4),
            entry_exec_algorithm_id=GUARD, tp_exec_algorithm_id=GUARD, sl_exec_algorithm_id=GUARD,
        )  # fmt: skip
        self.submit_order_list(bracket)


@pytest.mark.parametrize("way", [Plain, Routed, AnyPrice, List])
def test_an_order_above_the_limit_is_refused_however_it_is_sent(way):
    _, strategy, faults, open_orders = played(way)
    assert {reason.partition(":")[0] for reason in strategy.denied} == {"max_stake_per_outcome"}
    assert (strategy.accepted, open_orders, faults) == (0, 0, {})


def test_an_order_does_not_grow_above_the_limit_by_size_price_or_both():
    class Grower(Steps):
        def step_1(self):
            self.resting = self.buy(YES.id, Decimal(20), Decimal("0.4"))

        def step_2(self):
            self.modify_order(self.resting.client_order_id, quantity=Quantity(200, 2))
            self.modify_order(self.resting.client_order_id, price=Price(0.51, 4))
            self.modify_order(self.resting.client_order_id, quantity=Quantity(30, 2), price=Price(0.45, 4))

        def step_4(self):
            order = self.cache.order(self.resting.client_order_id)
            self.found = (str(order.quantity), str(order.price))

    _, strategy, faults, _ = played(Grower)
    assert len(strategy.denied) == 3
    assert strategy.found == ("20.00", "0.4000")
    assert faults == {}


@pytest.mark.parametrize("way", ["close_position", "close_all_positions", "market_exit", "sell"])
def test_in_a_halt_native_exits_are_refused_too(way):
    guard = guardian()

    class Leaver(Steps):
        def step_1(self):
            self.hold()

        def step_2(self):
            guard.halt("enough", START)
            if way == "close_position":
                self.close_position(self.cache.positions_open(strategy_id=self.strategy_id)[0])
            elif way == "sell":
                self.sell(YES.id, Decimal(10), Decimal("0.48"))
            else:
                getattr(self, way)(*([YES.id] if way == "close_all_positions" else []))

    _, strategy, faults, _ = played(Leaver, guard)
    assert set(strategy.denied) == {"trading_state: halted: enough"}
    assert guard.ledger.quantity(None, str(YES.id)) == 10
    assert faults == {}


def test_what_is_not_held_cannot_be_sold_to_go_short():
    class Short(Steps):
        def step_1(self):
            self.sell(NO.id, Decimal(10), Decimal("0.48"))

    _, strategy, _, open_orders = played(Short)
    assert strategy.denied[0].startswith("sell_what_is_held")
    assert open_orders == 0


def test_a_halt_with_fifty_resting_orders_lets_each_be_cancelled_and_nothing_new_out():
    guard = guardian(1000)

    class Resting(Steps):
        def step_1(self):
            for number in range(50):
                self.buy(YES.id, Decimal(1), Decimal("0.40") - Decimal("0.01") * (number % 10))

        def step_3(self):
            guard.halt("operator wants out", START)
            self.cancel_all_orders(YES.id)
            for _ in range(5):
                self.buy(YES.id, Decimal(1), Decimal("0.40"))

        def step_5(self):
            self.buy(YES.id, Decimal(1), Decimal("0.40"))

    _, strategy, faults, open_orders = played(Resting, guard)
    assert (strategy.accepted, strategy.cancelled, open_orders) == (50, 50, 0)
    assert strategy.denied == ["trading_state: halted: operator wants out"] * 6
    assert (guard.exposure.live_count(), guard.exposure.reserved.total) == (0, 0)
    assert faults == {}


def test_a_sealed_way_out_cannot_be_replaced():
    for name in ("submit_order", "submit_order_list", "modify_order", "modify_orders", "market_exit"):
        with pytest.raises(TypeError, match="is sealed by Strategy"):
            type("Cheat", (Steps,), {name: lambda self: None})


def test_each_child_of_an_execution_algorithm_is_judged_and_they_count_together():
    class Slicer(ExecutionAlgorithm):
        algorithm_id = ExecAlgorithmId("SLICES")

        def on_order(self, order):
            for _ in range(3):
                self.submit_order(self.spawn_limit(order, Quantity(15, 2), order.price, TimeInForce.GTC))

    class Parent(Steps):
        def step_1(self):
            self.buy(YES.id, Decimal(100), Decimal("0.4"), exec_algorithm_id=Slicer.algorithm_id)

    guard = guardian()
    door = Door(guard, [Slicer.algorithm_id])
    strategy = Parent(Settings(), seat(door))
    replay([strategy], door, QUOTES, [Slicer(door)]).dispose()
    assert (strategy.accepted, guard.exposure.live_count()) == (1, 1)
    assert {reason.partition(":")[0] for reason in strategy.denied} == {"max_stake_per_outcome"}


def native_of(strategy):
    """Return Nautilus' own class, whose methods ask nobody; Python cannot hide it."""
    return next(one for one in type(strategy).__mro__ if one.__module__.startswith("nautilus"))


def test_an_order_that_goes_around_the_door_halts_everything_that_comes_after_it():
    class Native(Steps):
        def step_1(self):
            getattr(native_of(self), "submit_" + "order")(self, self.order(), None, None, None)

        def step_3(self):
            self.buy(YES.id, Decimal(1), Decimal("0.4"))

    guard, strategy, _, open_orders = played(Native)
    assert (strategy.accepted, strategy.cancelled, open_orders) == (1, 1, 0)
    assert guard.state == State.HALTED
    assert "left without being asked about" in guard.switch.cause
    assert strategy.denied == [f"trading_state: halted: {guard.switch.cause}"]


def test_a_change_that_goes_around_the_door_halts_everything_that_comes_after_it():
    class Native(Steps):
        def step_1(self):
            self.resting = self.buy(YES.id, Decimal(10), Decimal("0.4"))

        def step_2(self):
            order_id = self.resting.client_order_id
            getattr(native_of(self), "modify_" + "order")(
                self, order_id, Quantity(100, 2), None, None, None, None
            )

    guard, strategy, _, open_orders = played(Native)
    assert (strategy.cancelled, open_orders) == (1, 0)
    assert guard.state == State.HALTED
    assert "grew without being asked about" in guard.switch.cause


def around(way):
    """Return a class body with one method that takes `way`, written as a strategy's author would."""
    return f"class Cheat(Steps):\n    def step_1(self):\n        order = self.order()\n        {way}\n"


@pytest.mark.parametrize(
    "way",
    [
        "super().submit_order(order)",
        "super(Strategy, self).submit_order(order)",
        "Strategy.submit_order(self, order)",
        "trading.Strategy.submit_order(self, order, None, None, None)",
        "trading.Strategy.submit_order_list(self, order)",
        "trading.Strategy.modify_order(self, order.client_order_id, order.quantity)",
        "trading.Strategy.close_position(self, order)",
        "super().market_exit()",
        "send = super().modify_orders; send([])",
        "self._Strategy__door.submit_order(order)",
        "(lambda: trading.Strategy.submit_order(self, order))()",
        "[trading.Strategy.submit_order(self, one) for one in [order]]",
        "me = type(self); me.submit_order(self, order)",
    ],
)
def test_a_strategy_that_calls_past_the_guard_cannot_even_be_declared(way):
    names = {"Steps": Steps, "Strategy": Strategy, "trading": trading}
    with pytest.raises(TypeError, match=r"Cheat\.step_1 goes past the guard: expected self\."):
        exec(around(way), names)


@pytest.mark.parametrize("way", ["self.submit_order(order)", "(lambda: self.submit_order(order))()"])
def test_a_strategy_that_asks_the_guard_may_be_declared(way):
    exec(around(way), {"Steps": Steps})
