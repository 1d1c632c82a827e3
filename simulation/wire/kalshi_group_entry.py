"""Order groups over REST (kalshi.md section 6)."""

from typing import Any

from aiohttp import web

from simulation.wire.kalshi_checks import read_count, read_index
from simulation.wire.kalshi_errors import VenueError, not_found
from simulation.wire.kalshi_events import GroupNotice
from simulation.wire.kalshi_groups import Group
from simulation.wire.kalshi_http import PREFIX, Desk, json_body, json_response
from simulation.wire.kalshi_rates import DEFAULT_COST
from simulation.wire.kalshi_signatures import ApiKey, require_subaccount
from simulation.wire.kalshi_units import count_text

_GROUPS = PREFIX + "/portfolio/order_groups"
_LARGEST = 100_000_000


class GroupApi:
    """Handlers of order groups."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.exchange = desk.exchange

    def routes(self) -> list[web.RouteDef]:
        """Every path."""
        one = _GROUPS + "/{group_id}"
        return [
            web.post(_GROUPS + "/create", self.create),
            web.get(_GROUPS, self.groups, allow_head=False),
            web.get(one, self.group, allow_head=False),
            web.delete(one, self.delete),
            web.put(one + "/reset", self.reset),
            web.put(one + "/trigger", self.trigger),
            web.put(one + "/limit", self.limit),
        ]

    async def create(self, request: web.Request) -> web.Response:
        """POST /portfolio/order_groups/create."""
        body = await json_body(request)
        shard = read_index(body, "exchange_index") or 0
        key = self.desk.writer(request, DEFAULT_COST, shard)
        subaccount = read_index(body, "subaccount") or 0
        require_subaccount(key, subaccount)
        self.exchange.accounts.pocket(key.user, shard, subaccount)
        group = Group(self.exchange.new_id(), key.user, subaccount, shard, _limit(body))
        self.exchange.groups[group.group_id] = group
        self._tell(group, "created", group.limit)
        row = {"order_group_id": group.group_id, "subaccount": subaccount, "exchange_index": shard}
        return json_response(row, 201)

    async def groups(self, request: web.Request) -> web.Response:
        """GET /portfolio/order_groups."""
        key = self.desk.reader(request)
        rows = [
            {"id": group.group_id, **_row(group)}
            for group in self.exchange.groups.values()
            if group.user == key.user
        ]
        return json_response({"order_groups": rows})

    async def group(self, request: web.Request) -> web.Response:
        """GET /portfolio/order_groups/{id}."""
        group = self._own(request, self.desk.reader(request))
        return json_response(_row(group) | {"orders": list(group.orders)})

    async def delete(self, request: web.Request) -> web.Response:
        """DELETE /portfolio/order_groups/{id}: its resting orders are cancelled."""
        group = self._own(request, self.desk.writer(request, DEFAULT_COST))
        for order in [order for order in group.orders.values() if order.on_book]:
            self.exchange.cancel(order)
        del self.exchange.groups[group.group_id]
        self._tell(group, "deleted")
        return json_response({})

    async def reset(self, request: web.Request) -> web.Response:
        """PUT .../reset: takes orders again."""
        group = self._own(request, self.desk.writer(request, DEFAULT_COST))
        group.reset()
        self._tell(group, "reset")
        return json_response({})

    async def trigger(self, request: web.Request) -> web.Response:
        """PUT .../trigger: stop now."""
        self.exchange.trigger(self._own(request, self.desk.writer(request, DEFAULT_COST)))
        return json_response({})

    async def limit(self, request: web.Request) -> web.Response:
        """PUT .../limit."""
        body = await json_body(request)
        group = self._own(request, self.desk.writer(request, DEFAULT_COST))
        group.limit = _limit(body)
        self._tell(group, "limit_updated", group.limit)
        return json_response({})

    def _own(self, request: web.Request, key: ApiKey) -> Group:
        group = self.exchange.groups.get(request.match_info["group_id"])
        if group is None or group.user != key.user:
            raise not_found(request.match_info["group_id"])
        require_subaccount(key, group.subaccount)
        return group

    def _tell(self, group: Group, kind: str, limit: int | None = None) -> None:
        self.exchange.tell(GroupNotice(group.user, kind, group.group_id, limit, self.desk.now_ns()))


def _row(group: Group) -> dict[str, Any]:
    return {
        "is_auto_cancel_enabled": True,
        "contracts_limit_fp": count_text(group.limit),
        "exchange_index": group.exchange_index,
    }


def _limit(body: dict[str, Any]) -> int:
    value = body.get("contracts_limit_fp") or f"{body.get('contracts_limit', '')}"
    limit = read_count(value)
    if not 100 <= limit <= _LARGEST:
        raise VenueError(400, "bad_request", "bad request", "contracts_limit must be 1 to 1000000")
    return limit
