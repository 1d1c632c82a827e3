"""What the venue says about our money, orders, fills and positions, by REST and on the private channels.

`outcome_side` is the outcome bought into and `book_side` the side of the YES book: selling YES is buying NO,
so both say `no` and `ask`. The deprecated `action` contradicts `side` on sold rows and is not read
(reference, section 0, recorded 2026). Money has up to six decimals. Source: REST description 3.34.0 and
socket description 2.0.0 (Oct 2026), read 2026-11-20.
"""

from decimal import Decimal
from typing import override

from msgspec import Struct

from adapters.kalshi.messages.numbers import BookSide, Row, Side, time_ns

_MILLISECOND_NS = 1_000_000
_SECOND_NS = 1_000_000_000


class ShardBalance(Row, frozen=True):
    """The cash of one shard, in dollars."""

    exchange_index: int
    balance: Decimal


class Balance(Row, frozen=True):
    """The cash of one subaccount; `balance_dollars` is the sum over shards when no shard was asked for.

    `balance` and `portfolio_value` are truncated to cents, `updated_ts` is in seconds.
    """

    balance: int
    balance_dollars: Decimal
    portfolio_value: int
    updated_ts: int
    balance_breakdown: tuple[ShardBalance, ...] = ()

    def of_shard(self, exchange_index: int) -> Decimal:
        """Return what one order there can spend, in dollars; LookupError when the venue does not say."""
        for part in self.balance_breakdown:
            if part.exchange_index == exchange_index:
                return part.balance
        shards = [part.exchange_index for part in self.balance_breakdown]
        raise LookupError(f"expected a balance of shard {exchange_index}, found shards {shards}")


class MarketPosition(Row, frozen=True):
    """A position by REST: `position_fp` contracts of YES, negative for NO; money in dollars."""

    ticker: str
    position_fp: Decimal
    market_exposure_dollars: Decimal
    realized_pnl_dollars: Decimal = Decimal(0)
    fees_paid_dollars: Decimal = Decimal(0)
    total_traded_dollars: Decimal = Decimal(0)
    exchange_index: int | None = None
    last_updated_ts: str | None = None


class EventPosition(Row, frozen=True):
    """An event's positions together; the exposure is what netting leaves at stake."""

    event_ticker: str
    total_cost_dollars: Decimal
    event_exposure_dollars: Decimal
    realized_pnl_dollars: Decimal
    fees_paid_dollars: Decimal
    total_cost_shares_fp: Decimal | None = None


class PositionsPage(Struct, frozen=True):
    """A page of positions."""

    market_positions: tuple[MarketPosition, ...]
    event_positions: tuple[EventPosition, ...] = ()
    cursor: str = ""

    @property
    def rows(self) -> tuple[MarketPosition, ...]:
        """The rows of this page."""
        return self.market_positions


class Fill(Row, frozen=True):
    """A fill by REST; it names no client id. Rows before May 2026 say `side` only."""

    trade_id: str
    order_id: str
    ticker: str
    count_fp: Decimal
    yes_price_dollars: Decimal
    is_taker: bool
    fee_cost: Decimal
    fill_id: str = ""
    outcome_side: Side | None = None
    book_side: BookSide | None = None
    side: Side | None = None
    exchange_index: int | None = None
    created_time: str | None = None
    ts: int | None = None
    subaccount_number: int | None = None

    @override
    def __post_init__(self) -> None:
        super().__post_init__()
        if self.outcome_side is None and self.side is None:
            raise ValueError(f"expected fill {self.trade_id} to name its side, found none")

    @property
    def bought(self) -> Side:
        """The outcome that we bought into; selling YES is buying NO."""
        return self.outcome_side or self.side or "yes"

    @property
    def happened_ns(self) -> int:
        """The venue's time, in nanoseconds since the epoch; ValueError when none came."""
        if self.created_time is not None:
            return time_ns(self.created_time)
        if self.ts is None:
            raise ValueError(f"expected a time on fill {self.trade_id}, found none")
        return self.ts * _SECOND_NS


class FillsPage(Struct, frozen=True):
    """A page of fills."""

    fills: tuple[Fill, ...]
    cursor: str = ""

    @property
    def rows(self) -> tuple[Fill, ...]:
        """The rows of this page."""
        return self.fills


class Order(Row, frozen=True):
    """An order by REST; `canceled` orders may have fills. Time in force and post-only are not told."""

    order_id: str
    client_order_id: str
    ticker: str
    outcome_side: Side
    book_side: BookSide
    status: str
    yes_price_dollars: Decimal
    initial_count_fp: Decimal
    fill_count_fp: Decimal
    remaining_count_fp: Decimal
    taker_fees_dollars: Decimal
    maker_fees_dollars: Decimal
    taker_fill_cost_dollars: Decimal
    maker_fill_cost_dollars: Decimal
    created_time: str | None = None
    last_update_time: str | None = None
    expiration_time: str | None = None
    order_group_id: str | None = None
    self_trade_prevention_type: str | None = None
    cancel_order_on_pause: bool = False
    subaccount_number: int | None = None
    exchange_index: int = 0

    @property
    def updated_ns(self) -> int | None:
        """When it last changed, in nanoseconds since the epoch; None when the venue does not say."""
        text = self.last_update_time or self.created_time
        return None if text is None else time_ns(text)


class OrderAnswer(Struct, frozen=True):
    """The answer of `GET /portfolio/orders/{id}`."""

    order: Order


class OrdersPage(Struct, frozen=True):
    """A page of orders."""

    orders: tuple[Order, ...]
    cursor: str = ""

    @property
    def rows(self) -> tuple[Order, ...]:
        """The rows of this page."""
        return self.orders


class QueuePosition(Row, frozen=True):
    """How many contracts stand before an order."""

    order_id: str
    market_ticker: str
    queue_position_fp: Decimal


class QueuePositionsAnswer(Struct, frozen=True):
    """The answer of `GET /portfolio/orders/queue_positions`; null when nothing rests."""

    queue_positions: tuple[QueuePosition, ...] | None


class Settlement(Row, frozen=True):
    """A settled position; `revenue` is in cents, `value` in cents per contract of YES, the rest in dollars."""

    ticker: str
    event_ticker: str
    market_result: str
    yes_count_fp: Decimal
    yes_total_cost_dollars: Decimal
    no_count_fp: Decimal
    no_total_cost_dollars: Decimal
    revenue: int
    settled_time: str
    fee_cost: Decimal
    value: int | None = None
    exchange_index: int | None = None


class SettlementsPage(Struct, frozen=True):
    """A page of settlements."""

    settlements: tuple[Settlement, ...]
    cursor: str = ""

    @property
    def rows(self) -> tuple[Settlement, ...]:
        """The rows of this page."""
        return self.settlements


class FillUpdate(Row, frozen=True):
    """A fill on the socket; `post_position_fp` is our signed position of YES after it."""

    trade_id: str
    order_id: str
    market_ticker: str
    is_taker: bool
    outcome_side: Side
    book_side: BookSide
    yes_price_dollars: Decimal
    count_fp: Decimal
    fee_cost: Decimal
    post_position_fp: Decimal
    ts_ms: int
    exchange_index: int = 0
    client_order_id: str | None = None
    subaccount: int | None = None

    @property
    def happened_ns(self) -> int:
        """The venue's time, in nanoseconds since the epoch."""
        return self.ts_ms * _MILLISECOND_NS


class UserOrder(Row, frozen=True):
    """An order's state on the socket; `last_update_reason` is kept as sent, new words included."""

    order_id: str
    ticker: str
    client_order_id: str
    status: str
    outcome_side: Side
    book_side: BookSide
    yes_price_dollars: Decimal
    initial_count_fp: Decimal
    fill_count_fp: Decimal
    remaining_count_fp: Decimal
    taker_fill_cost_dollars: Decimal
    maker_fill_cost_dollars: Decimal
    taker_fees_dollars: Decimal
    maker_fees_dollars: Decimal
    exchange_index: int = 0
    order_group_id: str | None = None
    self_trade_prevention_type: str | None = None
    created_ts_ms: int | None = None
    last_updated_ts_ms: int | None = None
    expiration_ts_ms: int | None = None
    last_update_reason: str | None = None
    subaccount_number: int | None = None

    @property
    def updated_ns(self) -> int | None:
        """When it last changed, in nanoseconds since the epoch; None when the venue does not say."""
        at_ms = self.last_updated_ts_ms or self.created_ts_ms
        return None if at_ms is None else at_ms * _MILLISECOND_NS


class PositionUpdate(Row, frozen=True):
    """A position on the socket: contracts of YES, negative for NO; money in dollars."""

    market_ticker: str
    position_fp: Decimal
    position_cost_dollars: Decimal
    realized_pnl_dollars: Decimal
    fees_paid_dollars: Decimal
    position_fee_cost_dollars: Decimal
    volume_fp: Decimal
    subaccount: int | None = None


class OrderGroupUpdate(Row, frozen=True):
    """What happened to an order group: created, triggered, reset, deleted, limit_updated."""

    event_type: str
    order_group_id: str
    ts_ms: int
    contracts_limit_fp: Decimal | None = None


class BucketLimit(Struct, frozen=True):
    """Tokens per second and tokens at most."""

    refill_rate: int
    bucket_capacity: int


class AccountLimits(Struct, frozen=True):
    """The answer of `GET /account/limits`: the sizes of our rate buckets."""

    usage_tier: str
    read: BucketLimit
    write: BucketLimit


class EndpointCost(Struct, frozen=True):
    """What a call costs when it is not the default."""

    method: str
    path: str
    cost: int


class EndpointCosts(Struct, frozen=True):
    """The answer of `GET /account/endpoint_costs`, in tokens."""

    default_cost: int
    endpoint_costs: tuple[EndpointCost, ...]
