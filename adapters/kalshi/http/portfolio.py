"""What is ours: cash, positions, orders, fills, settlements, and how much we may ask. Signed reads.

The read side lags behind the engine: `get_user_data_timestamp` tells by how much.
"""

from adapters.kalshi import constants as venue
from adapters.kalshi.http.connection import Connection
from adapters.kalshi.messages import orders, portfolio, queries


class Portfolio(Connection):
    """Our account; all raise from `network.errors`. A configured subaccount is named in every call."""

    async def get_account_limits(self) -> portfolio.AccountLimits:
        """Return the sizes of our rate buckets, and work with them from now on."""
        limits = await self._get("/account/limits", portfolio.AccountLimits)
        self.set_limits(
            (limits.read.refill_rate, limits.read.bucket_capacity),
            (limits.write.refill_rate, limits.write.bucket_capacity),
        )
        return limits

    async def get_account_endpoint_costs(self) -> portfolio.EndpointCosts:
        """Return which calls cost other than the default."""
        return await self._get("/account/endpoint_costs", portfolio.EndpointCosts)

    async def get_balance(self, exchange_index: int | None = None) -> portfolio.Balance:
        """Return our cash; asked about once a second at most, from a bucket of its own."""
        query = self._ours(queries.BalanceQuery(exchange_index=exchange_index))
        reply = await self.session.read("/portfolio/balance", params=query.params(), group="balance", cost=1)
        return reply.decode(portfolio.Balance)

    async def get_positions(self, query: queries.PositionsQuery) -> tuple[portfolio.MarketPosition, ...]:
        """Return our positions, unsettled ones unless asked otherwise."""
        return await self._rows("/portfolio/positions", self._ours(query), portfolio.PositionsPage)

    async def get_fills(self, query: queries.FillsQuery) -> tuple[portfolio.Fill, ...]:
        """Return our fills, newest first."""
        return await self._rows("/portfolio/fills", self._ours(query), portfolio.FillsPage)

    async def get_orders(self, query: queries.OrdersQuery) -> tuple[portfolio.Order, ...]:
        """Return our orders, newest first."""
        return await self._rows("/portfolio/orders", self._ours(query), portfolio.OrdersPage)

    async def get_order(self, order_id: str) -> portfolio.Order:
        """Return one of our orders by the venue's id; Refusal 404 when it is not known there."""
        path = f"/portfolio/orders/{order_id}"
        return (await self._get(path, portfolio.OrderAnswer, cost=venue.GET_ORDER_COST)).order

    async def find_order(self, client_order_id: str, query: queries.OrdersQuery) -> portfolio.Order | None:
        """Return our order with this client id, resting or not, None when no page has it.

        None proves absence only when `complete_until_ns`, asked before this, is past the time of
        sending, and the query covers it. The venue has no filter for this: narrow it by ticker and time.
        """
        async for page in self._pages("/portfolio/orders", self._ours(query), portfolio.OrdersPage):
            for order in page:
                if order.client_order_id == client_order_id:
                    return order
        return None

    async def get_order_queue_positions(
        self, query: queries.QueuePositionsQuery
    ) -> tuple[portfolio.QueuePosition, ...]:
        """Return how many contracts stand before each of our resting orders."""
        path = "/portfolio/orders/queue_positions"
        return (
            await self._get(path, portfolio.QueuePositionsAnswer, self._ours(query))
        ).queue_positions or ()

    async def get_settlements(self, query: queries.SettlementsQuery) -> tuple[portfolio.Settlement, ...]:
        """Return our settled positions, newest first."""
        return await self._rows("/portfolio/settlements", self._ours(query), portfolio.SettlementsPage)

    async def get_order_groups(self) -> tuple[orders.OrderGroup, ...]:
        """Return our order groups on all shards."""
        query = self._ours(queries.SubaccountQuery())
        return (
            await self._get("/portfolio/order_groups", orders.OrderGroupsAnswer, query)
        ).order_groups or ()

    async def get_order_group(self, order_group_id: str) -> orders.OrderGroupDetails:
        """Return one order group and the ids of its orders."""
        query = self._ours(queries.SubaccountQuery())
        return await self._get(f"/portfolio/order_groups/{order_group_id}", orders.OrderGroupDetails, query)
