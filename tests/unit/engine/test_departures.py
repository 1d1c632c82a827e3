"""Cancels that wait for their order: at a slow venue each call used to cancel all earlier ones anew, until nothing else was done."""

from types import SimpleNamespace

import pytest
from nautilus_trader.model import ClientOrderId, InstrumentId, OrderSide, StrategyId

from engine.departures import Departures

YES = InstrumentId.from_str("A-YES.V")


def order(name, *, is_pending_cancel=False):
    return SimpleNamespace(
        client_order_id=ClientOrderId(name), instrument_id=YES, side=OrderSide.BUY, is_pending_cancel=is_pending_cancel
    )  # fmt: skip


class Fake:
    """A strategy that only notes which native commands it was asked for."""

    strategy_id = StrategyId("s-1")

    def __init__(self, resting=()):
        self.resting, self.sent = list(resting), []
        self.cache = SimpleNamespace(
            orders_open=lambda **_: self.resting, orders_inflight=lambda **_: self.resting
        )
        self.departures = Departures(self, lambda command, *args, **_: self.sent.append((command(), args[0])))

    def is_running(self):
        return True

    def cancel_order(self):
        return "one"

    def cancel_orders(self):
        return "together"

    def cancel_all_orders(self):
        return "all"


@pytest.mark.parametrize("times", [1, 3])
def test_however_often_all_are_cancelled_each_is_cancelled_once(times):
    strategy = Fake([order("O-1"), order("O-2", is_pending_cancel=True)])
    new = order("O-3")
    strategy.departures.leave([new])
    for _ in range(times):
        strategy.departures.cancel_all_orders(YES)
        strategy.resting[0].is_pending_cancel = True  # as the engine says once it has the command
    assert strategy.sent == [("together", [ClientOrderId("O-1")])]
    strategy.departures.hear(new)()
    assert strategy.sent[1:] == [("one", ClientOrderId("O-3"))]
    assert strategy.departures.hear(new) is None
    strategy.departures.cancel_all_orders(YES)
    assert strategy.sent[2:] == [("all", YES)]
