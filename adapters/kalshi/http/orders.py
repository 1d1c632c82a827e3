"""Writing orders: each call is sent once and ends as done, refused or unknown.

* 429 is refused: the venue applied nothing, and says so (reference, section 7). Wait, then decide again.
* 409 on a create is unknown, never refused: an order with this client id has arrived if its code says so or none
  came (`refusals.says_duplicate`), and may have if not. `find_order` it.
* 404 on a cancel, amend or decrease is refused with that status and proves nothing: the order may have
  filled, or live on another shard. Believe it only after `get_order`, or after a `find_order` that began
  when `complete_until_ns` had passed the time of sending.
* A refusal whose code says that the server failed is unknown, whatever its status.
* A batch that failed as a whole is unknown for each of its orders, unless it was throttled or never left.
"""

from collections.abc import Sequence
from types import NoneType
from typing import Final

from adapters.kalshi import constants as venue
from adapters.kalshi.http.connection import Connection
from adapters.kalshi.messages import orders, queries
from adapters.kalshi.messages.refusals import judge_canceled, judge_created
from network.outcomes import Outcome
from network.session import REFUSED_STATUSES

_ORDERS: Final = "/portfolio/events/orders"
_GROUPS: Final = "/portfolio/order_groups"
_CREATE_REFUSED: Final = REFUSED_STATUSES - {409}


class Orders(Connection):
    """Orders and order groups. A configured subaccount is named in every call."""

    def sign_ahead(self) -> None:
        """Hold the signature of the next new order ready, until `close` (`SignedAhead`)."""
        if self._signer is not None:
            self._signer.start("POST", f"{self._path}{_ORDERS}")

    async def create_order(self, order: orders.CreateOrder) -> Outcome[orders.CreatedOrder]:
        """Create an order. The same order may go again by the caller's decision: its bytes are the same."""
        body = self._ours(order)
        group = self._group(body.exchange_index)
        return await self._write(
            "POST", _ORDERS, orders.CreatedOrder, body=body, group=group, refused_statuses=_CREATE_REFUSED
        )

    async def batch_create_orders(
        self, batch: Sequence[orders.CreateOrder]
    ) -> tuple[Outcome[orders.CreatedOrder], ...]:
        """Create orders at once: one outcome for each, in their order. ValueError when no budget holds them."""
        body = orders.CreateOrders(tuple(map(self._ours, batch)))
        cost = venue.DEFAULT_COST * len(batch)
        whole = await self._write("POST", f"{_ORDERS}/batched", orders.CreatedItems, body=body, cost=cost)
        return judge_created(whole, body.orders)

    async def cancel_order(self, cancel: orders.CancelOrder) -> Outcome[orders.CanceledOrder]:
        """Cancel an order, before everything that is not urgent."""
        query = self._ours(queries.CancelQuery.of(cancel))
        return await self._write(
            "DELETE",
            f"{_ORDERS}/{cancel.order_id}",
            orders.CanceledOrder,
            query=query,
            group=self._group(query.exchange_index),
            cost=venue.CANCEL_COST,
            urgent=True,
        )

    async def batch_cancel_orders(
        self, batch: Sequence[orders.CancelOrder]
    ) -> tuple[Outcome[orders.CanceledOrder], ...]:
        """Cancel orders at once: one outcome for each, in their order."""
        body = orders.CancelOrders(tuple(map(self._ours, batch)))
        cost = venue.CANCEL_COST * len(batch)
        path = f"{_ORDERS}/batched"
        whole = await self._write("DELETE", path, orders.CanceledOrders, body=body, cost=cost, urgent=True)
        return judge_canceled(whole, body.orders)

    async def cancel_all_orders(self) -> Outcome[None]:
        """Cancel our subaccount's orders on every shard, and perhaps those of the minute that follows."""
        query = self._ours(queries.SubaccountQuery())
        return await self._write("DELETE", _ORDERS, NoneType, query=query, urgent=True)

    async def amend_order(self, order_id: str, amend: orders.AmendOrder) -> Outcome[orders.AmendedOrder]:
        """Change an order's price or size; a crossing change may fill."""
        return await self._write(
            "POST",
            f"{_ORDERS}/{order_id}/amend",
            orders.AmendedOrder,
            body=amend,
            query=self._ours(queries.SubaccountQuery()),
            group=self._group(amend.exchange_index),
        )

    async def decrease_order(
        self, order_id: str, decrease: orders.DecreaseOrder
    ) -> Outcome[orders.DecreasedOrder]:
        """Make an order smaller; it keeps its place in the queue."""
        return await self._write(
            "POST",
            f"{_ORDERS}/{order_id}/decrease",
            orders.DecreasedOrder,
            body=decrease,
            query=self._ours(queries.SubaccountQuery()),
            group=self._group(decrease.exchange_index),
        )

    async def create_order_group(self, group: orders.CreateOrderGroup) -> Outcome[orders.CreatedOrderGroup]:
        """Create a group: beyond its limit of contracts within 15 s its orders are cancelled."""
        path = f"{_GROUPS}/create"
        return await self._write("POST", path, orders.CreatedOrderGroup, body=self._ours(group))

    async def reset_order_group(self, order_group_id: str, exchange_index: int = 0) -> Outcome[None]:
        """Let a triggered group take orders again."""
        return await self._change_group("PUT", order_group_id, "/reset", exchange_index, orders.Empty())

    async def trigger_order_group(self, order_group_id: str, exchange_index: int = 0) -> Outcome[None]:
        """Cancel a group's orders and refuse new ones until a reset: a kill switch at the venue."""
        return await self._change_group("PUT", order_group_id, "/trigger", exchange_index, orders.Empty())

    async def update_order_group_limit(
        self, order_group_id: str, limit: orders.OrderGroupLimit, exchange_index: int = 0
    ) -> Outcome[None]:
        """Set a new limit of a group."""
        return await self._change_group("PUT", order_group_id, "/limit", exchange_index, limit)

    async def delete_order_group(self, order_group_id: str, exchange_index: int = 0) -> Outcome[None]:
        """Delete a group; its orders are cancelled."""
        return await self._change_group("DELETE", order_group_id, "", exchange_index, None)

    async def _change_group(
        self,
        method: str,
        group: str,
        verb: str,
        exchange_index: int,
        body: orders.Empty | orders.OrderGroupLimit | None,
    ) -> Outcome[None]:
        query = self._ours(queries.ShardQuery(exchange_index=exchange_index))
        urgent = verb == "/trigger"
        return await self._write(
            method, f"{_GROUPS}/{group}{verb}", NoneType, body=body, query=query, urgent=urgent
        )
