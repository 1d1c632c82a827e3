"""Writing orders: each call is sent once and ends as done, refused or unknown.

* Only a text on the venue's list refuses an order (`messages.refusals`); all else is unknown, and the order is asked for by
  its hash, which is known before it leaves.
* A cancel that was not done is unknown: the order may have filled, or wait in the taker's delay.
* A batch that failed as a whole is unknown for each of its orders.
"""

from collections.abc import Sequence

from adapters.polymarket.http.private import SIGNED_CANCELS, SIGNED_ORDERS, PrivateConnection
from adapters.polymarket.messages import orders
from adapters.polymarket.messages.refusals import judge, judge_batch, judge_canceled, judge_posted
from network.outcomes import Outcome


class Orders(PrivateConnection):
    """Orders, cancels and the dead-man switch."""

    async def post_order(self, order: orders.PostOrder, order_id: str) -> Outcome[orders.OrderAnswer]:
        """Post an order with this hash. Its bytes are the same each time, and the venue takes them once."""
        await self.buckets.wait(SIGNED_ORDERS, 1)
        outcome = await self._change("POST", "/order", orders.OrderAnswer, order, "order")
        return judge_posted(outcome, order_id)

    async def post_orders(
        self, batch: Sequence[orders.PostOrder], order_ids: Sequence[str]
    ) -> tuple[Outcome[orders.OrderAnswer], ...]:
        """Post up to 15 orders at once: one outcome for each, in their order."""
        await self.buckets.wait(SIGNED_ORDERS, len(batch))
        whole = await self._change("POST", "/orders", tuple[orders.OrderAnswer, ...], list(batch), "orders")
        return judge_batch(whole, order_ids)

    async def cancel_order(self, order_id: str) -> Outcome[str]:
        """Cancel an order, before everything that is not urgent."""
        await self.buckets.wait(SIGNED_CANCELS, 1, urgent=True)
        body = orders.CancelOne(order_id)
        whole = await self._change("DELETE", "/order", orders.CancelAnswer, body, "cancel", urgent=True)
        return judge_canceled(whole, order_id)

    async def cancel_orders(self, order_ids: Sequence[str]) -> tuple[Outcome[str], ...]:
        """Cancel up to 3,000 orders at once: one outcome for each, in their order."""
        await self.buckets.wait(SIGNED_CANCELS, min(len(order_ids), self._most_cancels()), urgent=True)
        body = list(order_ids)
        whole = await self._change(
            "DELETE", "/orders", orders.CancelAnswer, body, "cancel_orders", urgent=True
        )
        return tuple(judge_canceled(whole, order_id) for order_id in order_ids)

    async def cancel_all(self) -> Outcome[orders.CancelAnswer]:
        """Cancel all orders of the account."""
        whole = await self._change(
            "DELETE", "/cancel-all", orders.CancelAnswer, None, "cancel_all", urgent=True
        )
        return judge(whole)

    async def cancel_market_orders(
        self, market: str = "", token_id: str = ""
    ) -> Outcome[orders.CancelAnswer]:
        """Cancel all orders of a market, of a token, or of a token of a market."""
        body = orders.CancelMarket(market, token_id)
        path = "/cancel-market-orders"
        whole = await self._change("DELETE", path, orders.CancelAnswer, body, "cancel_market", urgent=True)
        return judge(whole)

    async def post_heartbeat(self, heartbeat_id: str) -> Outcome[orders.Beat]:
        """Say that we live; a stale id is refused, and the body names the one to send.

        The first one arms the switch for the API key for good: without one for ten seconds the venue cancels all
        orders of the key.
        """
        body = orders.Beat(heartbeat_id)
        return await self._change("POST", "/v1/heartbeats", orders.Beat, body, "clob", urgent=True)

    def _most_cancels(self) -> int:
        return int(self.buckets[SIGNED_CANCELS].capacity)
