"""How orders are written since June 2026 (the `/portfolio/events/orders` family), and what comes back.

`side` is on the YES leg: bid buys YES, ask sells YES or, the same, buys NO. Prices are YES prices. Text is
sent digit for digit as given: make it with `numbers.price_text` and `numbers.size_text`. A request that the
venue is known to refuse is a ValueError here, before a byte leaves. Source: REST description 3.34.0 (Oct
2026), reference section 6, read 2026-11-20.
"""

from decimal import Decimal
from typing import Literal

from msgspec import UNSET, Struct, UnsetType

from adapters.kalshi.messages.numbers import BookSide, Row, price_steps, size_lots

type TimeInForce = Literal["good_till_canceled", "immediate_or_cancel", "fill_or_kill"]
type SelfTradePrevention = Literal["taker_at_cross", "maker"]


class CreateOrder(Struct, frozen=True, kw_only=True):
    """An order to create; `expiration_time` is in seconds since the epoch.

    `exchange_index` names the shard: faster and billed to that shard's own bucket. `client_order_id` is
    required although the venue does not: an order without it cannot be found again.
    """

    ticker: str
    side: BookSide
    count: str
    price: str
    time_in_force: TimeInForce
    client_order_id: str
    self_trade_prevention_type: SelfTradePrevention = "taker_at_cross"
    expiration_time: int | UnsetType = UNSET
    post_only: bool | UnsetType = UNSET
    reduce_only: bool | UnsetType = UNSET
    cancel_order_on_pause: bool | UnsetType = UNSET
    order_group_id: str | UnsetType = UNSET
    subaccount: int | UnsetType = UNSET
    exchange_index: int | UnsetType = UNSET

    def __post_init__(self) -> None:
        _expect_size(self.count)
        price_steps(self.price)
        if not (self.ticker and self.client_order_id):
            raise ValueError(
                f"expected a market and a client id, found {self.ticker!r}, {self.client_order_id!r}"
            )
        rests = self.time_in_force == "good_till_canceled"
        if self.expiration_time is not UNSET and not rests:
            raise ValueError(f"expected an expiry on a resting order only, found {self.time_in_force}")
        if self.reduce_only is True and self.time_in_force != "immediate_or_cancel":
            raise ValueError(f"expected reduce_only with immediate_or_cancel, found {self.time_in_force}")
        if self.post_only is True and not rests:
            raise ValueError(f"expected post_only with good_till_canceled, found {self.time_in_force}")


class CreateOrders(Struct, frozen=True):
    """The body of a batch."""

    orders: tuple[CreateOrder, ...]


class CancelOrder(Struct, frozen=True, kw_only=True):
    """An order to cancel: with its market, since without it only shard 0 is searched and 404 proves nothing."""

    order_id: str
    market_ticker: str
    exchange_index: int | UnsetType = UNSET
    subaccount: int | UnsetType = UNSET

    def __post_init__(self) -> None:
        if not (self.order_id and self.market_ticker):
            raise ValueError(
                f"expected an order and its market, found {self.order_id!r}, {self.market_ticker!r}"
            )


class CancelOrders(Struct, frozen=True):
    """The body of a batch cancel."""

    orders: tuple[CancelOrder, ...]


class AmendOrder(Struct, frozen=True, kw_only=True):
    """A change of price or size; `count` is what has filled plus what shall rest.

    The place in the queue is kept for a smaller size or a new expiry only.
    """

    ticker: str
    side: BookSide
    price: str
    count: str
    client_order_id: str | UnsetType = UNSET
    updated_client_order_id: str | UnsetType = UNSET
    expiration_time: int | UnsetType = UNSET
    exchange_index: int | UnsetType = UNSET

    def __post_init__(self) -> None:
        _expect_size(self.count)
        price_steps(self.price)


class DecreaseOrder(Struct, frozen=True, kw_only=True):
    """A smaller size: exactly one of by how much and to what."""

    reduce_by: str | UnsetType = UNSET
    reduce_to: str | UnsetType = UNSET
    market_ticker: str | UnsetType = UNSET
    exchange_index: int | UnsetType = UNSET

    def __post_init__(self) -> None:
        given = [size for size in (self.reduce_by, self.reduce_to) if size is not UNSET]
        if len(given) != 1:
            raise ValueError(f"expected exactly one of reduce_by and reduce_to, found {len(given)}")
        if isinstance(self.reduce_by, str):
            _expect_size(self.reduce_by)
        if isinstance(self.reduce_to, str) and size_lots(self.reduce_to) < 0:
            raise ValueError(f"expected a size of at least 0 contracts, found {self.reduce_to}")


class CreateOrderGroup(Struct, frozen=True, kw_only=True):
    """A limit of contracts filled in 15 s; beyond it the group's orders are cancelled until a reset."""

    contracts_limit_fp: str
    subaccount: int | UnsetType = UNSET
    exchange_index: int | UnsetType = UNSET

    def __post_init__(self) -> None:
        _expect_group_limit(self.contracts_limit_fp)


class OrderGroupLimit(Struct, frozen=True):
    """A new limit of an order group."""

    contracts_limit_fp: str

    def __post_init__(self) -> None:
        _expect_group_limit(self.contracts_limit_fp)


class BodyError(Struct, frozen=True):
    """Why the venue refused; any part may be missing."""

    code: str = ""
    message: str = ""
    details: str = ""


class CreatedOrder(Row, frozen=True):
    """A created order and what filled at once; `average_fee_paid` is per contract."""

    order_id: str
    fill_count: Decimal
    remaining_count: Decimal
    ts_ms: int
    client_order_id: str | None = None
    average_fill_price: Decimal | None = None
    average_fee_paid: Decimal | None = None


class CreatedItem(Row, frozen=True):
    """An order of a batch: created, or refused with an error."""

    order_id: str | None = None
    client_order_id: str | None = None
    fill_count: Decimal | None = None
    remaining_count: Decimal | None = None
    average_fill_price: Decimal | None = None
    average_fee_paid: Decimal | None = None
    ts_ms: int | None = None
    error: BodyError | None = None

    @property
    def created(self) -> CreatedOrder | None:
        """The order; None when the answer lacks what every created order has."""
        if self.order_id is None or self.fill_count is None or self.remaining_count is None:
            return None
        return CreatedOrder(
            order_id=self.order_id,
            fill_count=self.fill_count,
            remaining_count=self.remaining_count,
            ts_ms=self.ts_ms or 0,
            client_order_id=self.client_order_id,
            average_fill_price=self.average_fill_price,
            average_fee_paid=self.average_fee_paid,
        )


class CreatedItems(Struct, frozen=True):
    """The answer to a batch."""

    orders: tuple[CreatedItem, ...]


class CanceledOrder(Row, frozen=True):
    """A cancelled order and by how many contracts that made it smaller; 0: there was nothing left."""

    order_id: str
    reduced_by: Decimal
    ts_ms: int | None = None
    client_order_id: str | None = None
    error: BodyError | None = None


class CanceledOrders(Struct, frozen=True):
    """The answer to a batch cancel."""

    orders: tuple[CanceledOrder, ...]


class AmendedOrder(Row, frozen=True):
    """An amended order; null where nothing changed."""

    order_id: str
    ts_ms: int
    client_order_id: str | None = None
    remaining_count: Decimal | None = None
    fill_count: Decimal | None = None
    average_fill_price: Decimal | None = None
    average_fee_paid: Decimal | None = None


class DecreasedOrder(Row, frozen=True):
    """A decreased order and what is left of it."""

    order_id: str
    remaining_count: Decimal
    ts_ms: int
    client_order_id: str | None = None


class CreatedOrderGroup(Struct, frozen=True):
    """A created group."""

    order_group_id: str
    subaccount: int = 0
    exchange_index: int = 0


class OrderGroup(Row, frozen=True):
    """A group in the list of groups."""

    id: str
    is_auto_cancel_enabled: bool
    contracts_limit_fp: Decimal | None = None
    exchange_index: int = 0


class OrderGroupsAnswer(Struct, frozen=True):
    """The answer of `GET /portfolio/order_groups`."""

    order_groups: tuple[OrderGroup, ...] | None = None


class OrderGroupDetails(Row, frozen=True):
    """A group and the ids of its orders."""

    is_auto_cancel_enabled: bool
    orders: tuple[str, ...]
    contracts_limit_fp: Decimal | None = None
    exchange_index: int = 0


class Empty(Struct, frozen=True):
    """An answer without content."""


def _expect_size(count: str) -> None:
    if size_lots(count) <= 0:
        raise ValueError(f"expected a size above 0 contracts, found {count}")


def _expect_group_limit(limit: str) -> None:
    if not 100 <= size_lots(limit) <= 100_000_000:
        raise ValueError(f"expected a limit of 1 to 1,000,000 contracts, found {limit}")
