"""What other hands trade on our account while we run, such as a person's: the engine names it, the books follow.

The engine gives such an order to its strategy `EXTERNAL`, of which nobody hears. Without us the ledger would learn of it at
the next start only (`catching_up`), and until then the books would differ and no position could be opened.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any, Final

from nautilus_trader.model import OrderFilled, OrderSide, OrderUpdated, StrategyId

from system.catching_up import catch_up, is_known, settle_ended
from system.crew import Crew
from system.node_plan import NodePlan

_LOG: Final = logging.getLogger(__name__)
_EXTERNAL: Final = StrategyId("EXTERNAL")
_LOOK_SECS: Final = 1.0


class OtherHands:
    """Hears for the guardian what happens to these orders; make it when `catch_up` has taken over those that are there.

    A sale of what only one of our strategies holds is left alone: its figures stay its own, so the books differ, and
    no position is opened at that venue before the next start. So is a trade in a market that we do not know.
    """

    def __init__(self, crew: Crew, cache: Any) -> None:
        self._crew = crew
        self._cache = cache
        self._heard = {order.client_order_id: order.event_count for order in self._orders()}
        self._left_alone: set[Any] = set()

    async def follow(self, plan: NodePlan, now_ns: Callable[[], int]) -> None:
        """Look for ever, also whether a market that they hold has paid."""
        while True:
            self.look()
            await settle_ended(plan, self._crew, self._cache, now_ns, owner=str(_EXTERNAL))
            await asyncio.sleep(_LOOK_SECS)

    def look(self) -> None:
        """Take note of what is new."""
        for order in self._orders():
            heard = self._heard.get(order.client_order_id)
            if heard == order.event_count:
                continue
            news = order.events()[heard or 0 :]
            if why := self._problem(order, news):
                self._leave_alone(order, why)
                continue
            self._heard[order.client_order_id] = order.event_count
            if heard is None:
                _LOG.warning(
                    "order %s on %s was made by other hands", order.client_order_id, order.instrument_id
                )
                catch_up(self._crew, [order])
            else:
                self._hear(order, news)

    def _hear(self, order: Any, news: Sequence[Any]) -> None:
        crew, was_changed = self._crew, False
        for event in news:
            if isinstance(event, OrderUpdated):
                was_changed = True  # to the guardian it would have grown unasked, and that halts
            else:
                crew.door.hear(event)
        if was_changed and order.is_open:
            crew.guardian.exposure.close(order.client_order_id)
            crew.guardian.adopt(order, crew.door)

    def _leave_alone(self, order: Any, why: str) -> None:
        if order.client_order_id not in self._left_alone:
            self._left_alone.add(order.client_order_id)
            _LOG.error("order %s was made by other hands, and is not booked: %s", order.client_order_id, why)

    def _orders(self) -> Sequence[Any]:
        found: Sequence[Any] = self._cache.orders(strategy_id=_EXTERNAL)
        return found

    def _problem(self, order: Any, news: Sequence[Any]) -> str:
        if not is_known(self._crew, order.instrument_id):
            return f"{order.instrument_id} is no market of the book"
        held = self._crew.ledger.quantity(str(_EXTERNAL), str(order.instrument_id))
        for trade in news:
            if isinstance(trade, OrderFilled):
                size = trade.last_qty.as_decimal()
                held += size if trade.order_side == OrderSide.BUY else -size
        return "" if held >= 0 else f"it sold {-held} contracts that others hold"
