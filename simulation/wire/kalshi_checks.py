"""From the body of an order request to a checked `OrderAsk`, or to the venue's refusal (kalshi.md section 6)."""

from typing import Any, Final

from simulation.wire.kalshi_calendar import require_trading
from simulation.wire.kalshi_errors import VenueError, invalid_order
from simulation.wire.kalshi_exchange import Exchange
from simulation.wire.kalshi_markets import ACTIVE, INACTIVE, Market
from simulation.wire.kalshi_orders import FOK, GTC, IOC, Order, OrderAsk
from simulation.wire.kalshi_units import SECOND_NS, parse_count, parse_price

Row = dict[str, Any]

_REQUIRED: Final = ("ticker", "side", "count", "price", "time_in_force", "self_trade_prevention_type")


def read_ask(exchange: Exchange, user: str, body: Row) -> OrderAsk:
    """Check a create body and return it in whole units."""
    missing = [name for name in _REQUIRED if body.get(name) in (None, "")]
    if missing:
        raise invalid_order(f"missing {', '.join(missing)}")
    market = routed_market(exchange, str(body["ticker"]), body.get("exchange_index"))
    require_trading(exchange, market.exchange_index)
    require_open(market)
    ask = OrderAsk(
        ticker=market.ticker,
        is_bid=_one_of(body, "side", ("bid", "ask")) == "bid",
        price=read_price(market, body["price"]),
        count=read_count(body["count"]),
        time_in_force=_one_of(body, "time_in_force", (GTC, IOC, FOK)),
        self_trade=_one_of(body, "self_trade_prevention_type", ("taker_at_cross", "maker")),
        client_order_id=str(body.get("client_order_id") or ""),
        expiration_ns=read_expiry(exchange, body),
        post_only=bool(body.get("post_only")),
        reduce_only=bool(body.get("reduce_only")),
        cancel_on_pause=bool(body.get("cancel_order_on_pause")),
        group_id=body.get("order_group_id") or None,
        subaccount=read_index(body, "subaccount") or 0,
        exchange_index=read_index(body, "exchange_index"),
    )
    _check_combination(ask)
    _check_identity(exchange, user, ask, market)
    return ask


def routed_market(exchange: Exchange, ticker: str, exchange_index: object) -> Market:
    """Find a market on the shard that was named; omitted or -1 routes by ticker."""
    market = exchange.market(ticker)
    if exchange_index not in (None, -1, market.exchange_index):
        raise VenueError(
            404, "market_not_found", "market not found", f"{ticker} is not on shard {exchange_index}"
        )
    return market


def require_open(market: Market) -> None:
    """Refuse anything but `active` for a new order or a change."""
    if market.status != ACTIVE:
        raise VenueError(400, "MARKET_INACTIVE", "market is not active", market.ticker)


def require_cancelable(market: Market) -> None:
    """After the close even a cancel is refused; in a pause it works."""
    if market.status not in (ACTIVE, INACTIVE):
        raise VenueError(400, "MARKET_INACTIVE", "market is not active", market.ticker)


def read_price(market: Market, value: object) -> int:
    """A YES price on the market's grid."""
    try:
        price = parse_price(value)
    except ValueError as error:
        raise VenueError(400, "invalid_price", "invalid price", str(error)) from error
    if not market.on_grid(price):
        raise VenueError(400, "invalid_price", "invalid price", f"{value} is off the grid of {market.ticker}")
    return price


def read_count(value: object) -> int:
    """Contracts, at least 0.01."""
    try:
        count = parse_count(value)
    except ValueError as error:
        raise VenueError(400, "invalid_order_size", "invalid order size", str(error)) from error
    if count < 1:
        raise VenueError(400, "invalid_order_size", "invalid order size", f"{value} is below 0.01")
    return count


def read_expiry(exchange: Exchange, body: Row) -> int | None:
    """Unix seconds in the future, or nothing."""
    value = body.get("expiration_time")
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool):
        raise invalid_order("expiration_time must be Unix seconds")
    if value * SECOND_NS <= exchange.now_ns():
        raise invalid_order("expiration_time is in the past")
    return value * SECOND_NS


def read_index(body: Row, name: str) -> int | None:
    """A whole number that may be absent."""
    value = body.get(name)
    if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
        raise VenueError(400, "bad_request", "bad request", f"{name} must be an integer")
    return value


def find_order(
    exchange: Exchange, user: str, order_id: str, ticker: str | None, exchange_index: int | None
) -> Order:
    """Find a resting order on the shard that was named by ticker or index; without either only on shard 0."""
    shard = exchange_index if exchange_index not in (None, -1) else 0
    if ticker:
        shard = exchange.market(ticker).exchange_index
    order = exchange.orders.get(order_id)
    if order is None or order.user != user or order.exchange_index != shard:
        raise VenueError(404, "not_found", "not found", order_id)
    require_cancelable(exchange.markets[order.ticker])
    if not order.on_book:
        raise VenueError(404, "not_found", "not found", order_id)
    return order


def _one_of(body: Row, name: str, allowed: tuple[str, ...]) -> str:
    value = body.get(name)
    if value not in allowed:
        raise invalid_order(f"{name} must be one of {', '.join(allowed)}")
    return str(value)


def _check_combination(ask: OrderAsk) -> None:
    if ask.time_in_force != GTC and ask.expiration_ns is not None:
        raise invalid_order("expiration_time needs good_till_canceled")
    if ask.time_in_force != GTC and ask.post_only:
        raise invalid_order("post_only needs good_till_canceled")
    if ask.reduce_only and ask.time_in_force != IOC:
        raise invalid_order("reduce_only needs immediate_or_cancel")


def _check_identity(exchange: Exchange, user: str, ask: OrderAsk, market: Market) -> None:
    if ask.client_order_id and (user, ask.client_order_id) in exchange.client_ids:
        raise VenueError(409, "order_already_exists", "order already exists", ask.client_order_id)
    if ask.group_id is None:
        return
    group = exchange.groups.get(ask.group_id)
    if group is None or group.user != user:
        raise VenueError(404, "not_found", "order group not found", ask.group_id)
    if group.exchange_index != market.exchange_index or group.subaccount != ask.subaccount:
        raise invalid_order("group and order must be on the same shard and subaccount")
    if group.is_triggered:
        raise invalid_order("order group is triggered")
