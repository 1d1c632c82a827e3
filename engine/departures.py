"""Orders on their way out, and the cancels that wait for them."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from nautilus_trader.model import ClientId, ClientOrderId, InstrumentId, OrderInitialized, OrderSide

type Send = Callable[..., None]

CANCELS = ("cancel_order", "cancel_orders", "cancel_all_orders")


class Departures:
    """A strategy's ways to cancel, which wait until the engine has marked an order submitted.

    Before that the engine closes the order by itself: its venue never hears of the cancel, and may have the
    order by then (run on rc7). A replay marks it within the submit, so nothing waits there. A strategy that
    stops hears no events any more and waits for none; its orders are the venue's client to take back.
    """

    __slots__ = ("_leaving", "_native", "_send", "_strategy", "_waiting")

    def __init__(self, strategy: Any, send: Send) -> None:
        self._strategy = strategy
        self._send = send
        self._native: dict[str, Send] = {name: getattr(strategy, name) for name in CANCELS}
        self._leaving: dict[ClientOrderId, tuple[InstrumentId, OrderSide]] = {}
        self._waiting: dict[ClientOrderId, Callable[[], None]] = {}

    def leave(self, orders: Iterable[Any]) -> None:
        """Take note of orders that are about to be submitted."""
        for order in orders:
            self._leaving[order.client_order_id] = order.instrument_id, order.side

    def hear(self, event: Any) -> Callable[[], None] | None:
        """Return the cancel that waited for the order of an event, to be sent now."""
        order_id = getattr(event, "client_order_id", None)
        if order_id not in self._leaving or isinstance(event, OrderInitialized):
            return None
        del self._leaving[order_id]
        return self._waiting.pop(order_id, None)

    def cancel_order(self, client_order_id: ClientOrderId, *args: Any, **kwargs: Any) -> None:
        """Cancel an order, once it is known to have left; of several cancels that wait for it the first is sent."""
        cancel = partial(self._send, self._native["cancel_order"], client_order_id, *args, **kwargs)
        if self._must_wait(client_order_id):
            self._waiting.setdefault(client_order_id, cancel)
        else:
            cancel()

    def cancel_orders(self, client_order_ids: Sequence[ClientOrderId], *args: Any, **kwargs: Any) -> None:
        """Cancel orders together; those that have not left follow one by one."""
        must_wait = [one for one in client_order_ids if self._must_wait(one)]
        leaving = set(must_wait)
        if ready := [one for one in client_order_ids if one not in leaving]:
            self._send(self._native["cancel_orders"], ready, *args, **kwargs)
        for one in must_wait:
            self.cancel_order(one, *args, **kwargs)

    def cancel_all_orders(
        self,
        instrument_id: InstrumentId,
        order_side: OrderSide | None = None,
        client_id: ClientId | None = None,
        strategy_only: bool = True,
        params: dict[str, Any] | None = None,
    ) -> None:
        """Cancel what rests on an instrument, and what is on its way there once it has left."""
        leaving = [
            order_id
            for order_id, (where, side) in self._leaving.items()
            if where == instrument_id and order_side in (None, side) and self._must_wait(order_id)
        ]
        if not leaving:
            native = self._native["cancel_all_orders"]
            self._send(native, instrument_id, order_side, client_id, strategy_only, params)
            return
        cache = self._strategy.cache
        which: dict[str, Any] = {"instrument_id": instrument_id, "side": order_side}
        if strategy_only:
            which["strategy_id"] = self._strategy.strategy_id
        resting = [*cache.orders_open(**which), *cache.orders_inflight(**which)]
        wanted = [one.client_order_id for one in resting if not one.is_pending_cancel]
        self.cancel_orders([*dict.fromkeys([*wanted, *leaving])], client_id, params)

    def _must_wait(self, order_id: ClientOrderId) -> bool:
        return order_id in self._leaving and self._strategy.is_running()
