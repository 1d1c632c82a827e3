from decimal import Decimal

import pytest
from nautilus_trader.model import (
    ExecAlgorithmId,
    OrderSide,
    Price,
    Quantity,
    TimeInForce,
)
from toy import START, YES, Nobody, book, replay, seat

from engine import GUARD, Door, ExecutionAlgorithm, Strategy, StrategyConfig

QUIET = [row for at in range(6) for row in book(0.48, 0.52, at)]


class AtMost(Nobody):
    def __init__(self, limit):
        super().__init__()
        self.limit = Decimal(limit)

    def refuse(self, order, quantity, price, desk):
        self.asked.append((order.order_type.name, order.side.name, str(quantity)))
        if quantity.as_decimal() > self.limit:
            return f"at_most: {quantity} asked, limit is {self.limit}"
        return None


class Settings(StrategyConfig, frozen=True):
    pass


class Diary(Strategy[Settings]):
    """Writes down what happens; subclasses say what to do on the first, second ... quote."""

    def on_start(self):
        self.diary, self.quotes = [], 0
        self.subscribe_quotes(YES.id)

    def on_quote(self, quote):
        self.quotes += 1
        step = getattr(self, f"step_{self.quotes}", None)
        if step:
            self.diary.append(">")
            step()
            self.diary.append("<")

    def note(self, *what):
        self.diary.append((type(what[0]).__name__, *what[1:], self.clock.timestamp_ns() - START))

    def on_order_initialized(self, event):
        self.note(event)

    def on_order_denied(self, event):
        self.note(event, event.reason, self.cache.order(event.client_order_id).status.name)

    def on_order_modify_rejected(self, event):
        self.note(event, event.reason)

    def on_order_pending_cancel(self, event):
        self.note(event)

    def on_order_canceled(self, event):
        self.note(event)

    def on_order_filled(self, event):
        self.note(event, str(event.last_qty), str(event.last_px))

    def on_position_closed(self, event):
        self.note(event)


def run(cls, guard=None, data=QUIET, algorithms=()):
    door = Door(guard or Nobody(), [a.algorithm_id for a in algorithms])
    strategy = cls(Settings(), seat(door))
    replay([strategy], door, data, [a(door) for a in algorithms]).dispose()
    return strategy.diary, door


def test_a_denial_arrives_as_an_event_after_the_handler_that_caused_it():
    class Greedy(Diary):
        def step_1(self):
            self.order = self.buy(YES.id, Decimal(1000), Decimal("0.4"))

    diary, door = run(Greedy, AtMost(100))
    assert diary == [
        ">",
        "<",
        ("OrderInitialized", 0),
        ("OrderDenied", "at_most: 1000.00 asked, limit is 100", "DENIED", 0),
    ]
    assert door.faults == {}


def test_a_refused_change_arrives_as_a_modify_rejection_and_the_order_stays():
    class Grower(Diary):
        def step_1(self):
            self.order = self.buy(YES.id, Decimal(10), Decimal("0.4"))

        def step_2(self):
            self.modify_order(self.order.client_order_id, quantity=Quantity(2000, 2))
            self.diary.append(str(self.cache.order(self.order.client_order_id).quantity))

    diary, door = run(Grower, AtMost(100))
    assert diary[3:] == [
        ">",
        "10.00",
        "<",
        ("OrderModifyRejected", "at_most: 2000.00 asked, limit is 100", 1_000_000_000),
    ]
    assert door.faults == {}


def test_an_allowed_change_and_a_cancel_pass():
    class Mover(Diary):
        def step_1(self):
            self.order = self.buy(YES.id, Decimal(10), Decimal("0.4"))

        def step_2(self):
            self.modify_order(self.order.client_order_id, quantity=Quantity(20, 2))

        def step_3(self):
            self.diary.append(str(self.cache.order(self.order.client_order_id).quantity))
            self.cancel_order(self.order.client_order_id)

        def step_4(self):
            self.cancel_all_orders(YES.id)

    diary, door = run(Mover, AtMost(100))
    assert diary == [
        ">", "<", ("OrderInitialized", 0),
        ">", "<",
        ">", "20.00", "<", ("OrderPendingCancel", 2_000_000_000), ("OrderCanceled", 2_000_000_000),
        ">", "<",
    ]  # fmt: skip
    assert door.faults == {}


@pytest.mark.parametrize(
    "name",
    ["submit_order", "modify_order", "close_position", "market_exit", "config", "__init__", "__new__", "buy"],
)
def test_a_sealed_method_cannot_be_replaced(name):
    with pytest.raises(TypeError, match=rf"Cheat\.{name} is sealed by Strategy"):
        type("Cheat", (Strategy,), {name: lambda self: None})


def test_a_sealed_method_cannot_be_replaced_two_generations_down():
    with pytest.raises(TypeError, match=r"Cheat\.submit_order is sealed by Strategy"):
        type("Cheat", (Diary,), {"submit_order": lambda self, order: None})


def test_a_misspelt_hook_is_refused_with_the_name_that_was_meant():
    with pytest.raises(TypeError, match=r"Typo\.on_qoute is no hook of the engine, did you mean on_quote\?"):
        type("Typo", (Strategy,), {"on_qoute": lambda self, quote: None})


def test_an_order_that_is_not_routed_to_the_door_cannot_leave():
    class Smuggler(Diary):
        def step_1(self):
            self.submit_order(self.order_factory.market(YES.id, OrderSide.BUY, Quantity(10, 2)))

    guard = AtMost(100)
    diary, door = run(Smuggler, guard)
    assert diary == [">", ("OrderInitialized", 0)][:1]
    assert guard.asked == []
    assert "expected O-" in str(next(iter(door.faults.values())))
    assert "routed to one of GUARD, found None" in str(next(iter(door.faults.values())))


def test_an_order_that_nobody_would_ask_about_cannot_leave():
    class Buyer(Diary):
        def step_1(self):
            self.buy(YES.id, Decimal(10), Decimal("0.6"))

    unhung = Door(Nobody())
    replay([Buyer(Settings(), seat(unhung))], Door(Nobody()), QUIET).dispose()
    assert "found it added to none" in str(unhung.faults.popitem())


def test_after_an_error_in_a_handler_no_order_leaves():
    class Broken(Diary):
        def step_1(self):
            raise ZeroDivisionError("oops")

        def step_2(self):
            self.buy(YES.id, Decimal(10), Decimal("0.6"))

    guard = AtMost(100)
    diary, _ = run(Broken, guard)
    assert diary[-1] == ("OrderDenied", "FAULTED toy-1 ZeroDivisionError('oops')", "DENIED", 1_000_000_000)
    assert guard.asked == []


def test_a_guard_that_breaks_refuses():
    class Breaks(Nobody):
        def refuse(self, order, quantity, price, desk):
            raise KeyError("ledger")

    class Buyer(Diary):
        def step_1(self):
            self.buy(YES.id, Decimal(10), Decimal("0.6"))

    diary, _ = run(Buyer, Breaks())
    assert diary[-1] == ("OrderDenied", "GUARD_BROKEN KeyError('ledger')", "DENIED", 0)


def test_a_refusal_without_a_word_is_still_a_refusal():
    class Silent(Nobody):
        def refuse(self, order, quantity, price, desk):
            return ""

    class Buyer(Diary):
        def step_1(self):
            self.buy(YES.id, Decimal(10), Decimal("0.6"))

    diary, _ = run(Buyer, Silent())
    assert diary[-1] == ("OrderDenied", "GUARD_GAVE_NO_REASON", "DENIED", 0)


@pytest.mark.parametrize("way", ["close_position", "close_all_positions", "market_exit"])
def test_native_exits_ask_at_the_door_too(way):
    class Leaver(Diary):
        def step_1(self):
            self.buy(YES.id, Decimal(10), Decimal("0.6"), time_in_force=TimeInForce.IOC)

        def step_2(self):
            if way == "close_position":
                self.close_position(self.cache.positions_open(strategy_id=self.strategy_id)[0])
            elif way == "close_all_positions":
                self.close_all_positions(YES.id)
            else:
                self.market_exit()

    guard = AtMost(100)
    diary, door = run(Leaver, guard)
    assert guard.asked == [("LIMIT", "BUY", "10.00"), ("LIMIT", "SELL", "10.00")]
    assert diary[-1] == ("PositionClosed", 1_000_000_000)
    assert door.faults == {}


def test_prices_and_sizes_are_rounded_to_the_safe_side():
    class Rounder(Diary):
        def step_1(self):
            self.diary.append(self.buy(YES.id, Decimal("10.019"), Decimal("0.409")))
            self.diary.append(self.sell(YES.id, Decimal("10.019"), Decimal("0.901")))
            self.diary.append(self.buy(YES.id, Decimal("0.009"), Decimal("0.409")))

    diary, _ = run(Rounder)
    bid, offer, nothing = diary[1:4]
    assert (str(bid.quantity), str(bid.price)) == ("10.01", "0.4000")
    assert (str(offer.quantity), str(offer.price)) == ("10.01", "0.9100")
    assert nothing is None


def test_children_of_an_execution_algorithm_ask_too():
    class Slices(ExecutionAlgorithm):
        algorithm_id = ExecAlgorithmId("SLICES")

        def on_order_denied(self, event):
            self.clock.timestamp_ns()

        def on_order(self, order):
            self.submit_order(self.spawn_limit(order, Quantity(30, 2), order.price, TimeInForce.IOC))
            self.submit_order(self.spawn_limit(order, Quantity(60, 2), order.price, TimeInForce.IOC))
            self.submit_order(order)

    class Slow(Diary):
        def step_1(self):
            self.buy(YES.id, Decimal(100), Decimal("0.52"), exec_algorithm_id=Slices.algorithm_id)

    guard = AtMost(50)
    diary, door = run(Slow, guard, algorithms=[Slices])
    assert [asked[2] for asked in guard.asked] == ["30.00", "60.00", "70.00"]
    assert ("OrderDenied", "at_most: 60.00 asked, limit is 50", "DENIED", 0) in diary
    assert door.faults == {}


def test_one_refused_order_refuses_the_whole_list():
    class Bracket(Diary):
        def step_1(self):
            self.submit_order_list(
                self.order_factory.bracket(
                    YES.id, OrderSide.BUY, Quantity(10, 2),
                    entry_exec_algorithm_id=GUARD, tp_exec_algorithm_id=GUARD, sl_exec_algorithm_id=GUARD,
                    tp_price=Price(0.7, 4), sl_trigger_price=Price(0.3, 4),
                )
            )  # fmt: skip

    diary, door = run(Bracket, AtMost(5))
    assert [d[0] for d in diary if d[0] == "OrderDenied"] == ["OrderDenied"] * 3
    assert door.faults == {}


def test_a_strategy_may_extend_another_in_the_same_file():
    class Twice(Diary):
        def on_quote(self, quote):
            self.diary.append("before")
            super().on_quote(quote)
            self.diary.append("after")

        def step_1(self):
            self.diary.append("step")

    diary, _ = run(Twice)
    assert diary[:5] == ["before", ">", "step", "<", "after"]
    assert Twice.config_type() is Settings


def test_claims_reach_the_native_config():
    from nautilus_trader import trading  # noqa: TID251 - reads what Nautilus was given

    door = Door(Nobody())
    strategy = Diary(Settings(), seat(door))
    native = trading.Strategy.config.__get__(strategy)
    assert native.external_order_instrument_ids == [YES.id]
    assert strategy.config == Settings()


def test_the_guard_hears_of_an_event_before_the_strategy_does():
    order = []

    class Listener(Nobody):
        def hear(self, event, desk):
            order.append(("guard", type(event).__name__))

    class Filled(Diary):
        def step_1(self):
            self.buy(YES.id, Decimal(10), Decimal("0.6"), time_in_force=TimeInForce.IOC)

        def on_order_filled(self, event):
            order.append(("strategy", type(event).__name__))

    run(Filled, Listener())
    filled = [entry for entry in order if entry[1] == "OrderFilled"]
    assert filled == [("guard", "OrderFilled"), ("strategy", "OrderFilled")]
    assert ("guard", "PositionOpened") in order


def test_a_guard_that_breaks_while_listening_lets_nothing_more_out():
    class Deaf(Nobody):
        def hear(self, event, desk):
            raise ValueError("noise")

    class Buyer(Diary):
        def step_1(self):
            self.buy(YES.id, Decimal(10), Decimal("0.4"))

        def step_2(self):
            self.buy(YES.id, Decimal(10), Decimal("0.4"))

    diary, _ = run(Buyer, Deaf())
    assert diary[-1] == ("OrderDenied", "GUARD_BROKEN ValueError('noise')", "DENIED", 1_000_000_000)


def test_a_settlement_is_heard_although_no_order_of_ours_caused_it():
    from nautilus_trader.model import InstrumentClose, InstrumentCloseType

    heard = []

    class Listener(Nobody):
        def hear(self, event, desk):
            heard.append(type(event).__name__)

    class Holder(Diary):
        def step_1(self):
            self.subscribe_instrument_close(YES.id)
            self.buy(YES.id, Decimal(10), Decimal("0.6"), time_in_force=TimeInForce.IOC)

    at = START + 9_000_000_000
    close = InstrumentClose(YES.id, Price(1, 4), InstrumentCloseType.CONTRACT_EXPIRED, at, at)
    diary, _ = run(Holder, Listener(), data=[*QUIET, close])
    assert heard[-2:] == ["OrderFilled", "PositionClosed"]
    assert diary[-1] == ("PositionClosed", 9_000_000_000)
