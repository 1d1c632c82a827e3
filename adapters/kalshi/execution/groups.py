"""A stop at the venue itself: one order group per shard, which cancels everything when too much fills at once."""

import logging
from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from adapters.kalshi.http.client import KalshiHttp
from adapters.kalshi.messages.orders import CreateOrderGroup
from adapters.kalshi.messages.portfolio import OrderGroupUpdate
from network.outcomes import Done, Outcome

_LOG: Final = logging.getLogger(__name__)


class OrderGroups:
    """The groups of our shards; `limit_contracts` within 15 s, None means that there are none.

    A group outlives us: one of the same limit is taken over as it is, triggered or not. Only `reset`, which
    a human asks for, lets a triggered group take orders again.
    """

    def __init__(self, http: KalshiHttp, shards: Iterable[int], limit_contracts: int | None) -> None:
        self._http = http
        self._shards = tuple(shards)
        self._limit = limit_contracts
        self._ids: dict[int, str] = {}
        self._triggered: set[str] = set()

    async def open(self) -> None:
        """Find or create the group of every shard; RuntimeError when the venue does not give us one."""
        if self._limit is None:
            return
        for group in await self._http.get_order_groups():
            if group.contracts_limit_fp == Decimal(self._limit) and group.exchange_index in self._shards:
                self._ids[group.exchange_index] = group.id
        for shard in self._shards:
            if shard not in self._ids:
                self._ids[shard] = await self._create(shard, self._limit)

    def of(self, shard: int) -> str | None:
        """Return the group that an order on this shard joins."""
        return self._ids.get(shard)

    def problem_of(self, shard: int) -> str | None:
        """Return why no order may join the group of this shard now."""
        if self._limit is not None and shard not in self._ids:
            return f"ORDER_GROUP expected an order group on shard {shard}, found none"
        group = self._ids.get(shard)
        if group in self._triggered:
            return f"ORDER_GROUP_TRIGGERED group {group} of shard {shard} stands until it is reset"
        return None

    def take(self, update: OrderGroupUpdate) -> None:
        """Note what happened to a group."""
        if update.event_type == "triggered":
            self._triggered.add(update.order_group_id)
            _LOG.error("order group %s was triggered: its orders are cancelled", update.order_group_id)
        elif update.event_type == "reset":
            self._triggered.discard(update.order_group_id)
        elif update.event_type == "deleted":
            self._ids = {shard: name for shard, name in self._ids.items() if name != update.order_group_id}

    async def reset(self, shard: int) -> Outcome[None]:
        """Let a triggered group take orders again; LookupError when the shard has none."""
        group = self._ids.get(shard)
        if group is None:
            raise LookupError(f"expected an order group on shard {shard}, found none")
        outcome = await self._http.reset_order_group(group, shard)
        if isinstance(outcome, Done):
            self._triggered.discard(group)
        return outcome

    async def _create(self, shard: int, limit: int) -> str:
        wish = CreateOrderGroup(contracts_limit_fp=f"{limit}.00", exchange_index=shard)
        outcome = await self._http.create_order_group(wish)
        if isinstance(outcome, Done):
            return outcome.value.order_group_id
        raise RuntimeError(f"expected an order group on shard {shard}, found {outcome.reason}")
