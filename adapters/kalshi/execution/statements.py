"""What the venue states about an order, a fill or a position of ours, alike from REST and from the stream. Pure."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

from adapters.kalshi.execution.translation import side_of
from adapters.kalshi.messages import portfolio
from adapters.kalshi.messages.numbers import BookSide, time_ns
from orders.tickets import End

type Source = Literal["stream", "rest", "answer"]

EXPIRED: Final = "ExpiryCancel"
POST_ONLY_CROSS: Final = "PostOnlyCrossCancel"
_MILLISECOND_NS: Final = 1_000_000
_STATUSES: Final = ("resting", "canceled", "executed")
_USUAL: Final = frozenset(
    {
        "",
        "Decrease",
        "Amend",
        "SelfTradeCancel",
        "ExpiryCancel",
        "CloseCancel",
        "HaltCancel",
        "Trade",
        "PostOnlyCrossCancel",
        "ReduceOnlyCancel",
    }
)
"""Why orders end in the course of things (reference, section 8); of the venue's words only MarginCancel and
SettlementBoundsCancel, and those that are new to us, are not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FillStatement:
    """One fill; `yes_price` in dollars of the YES book, `fee_usd` as charged."""

    trade_id: str
    order_id: str
    client_order_id: str | None
    ticker: str
    side: BookSide
    yes_price: Decimal
    contracts: Decimal
    fee_usd: Decimal
    is_taker: bool
    at_ns: int
    position_after: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderStatement:
    """One order at `at_ns` of the venue's clock (0 when it does not say); `end` is None while it rests."""

    order_id: str
    client_order_id: str
    ticker: str
    side: BookSide
    yes_price: Decimal
    initial: Decimal
    filled: Decimal
    remaining: Decimal
    end: End | None
    reason: str
    at_ns: int
    created_ns: int
    expires_ns: int | None = None
    shard: int = 0

    @property
    def size(self) -> Decimal:
        """Contracts asked for in all, as far as this statement can tell: a closed one keeps its first size."""
        return self.filled + self.remaining if self.end is None else max(self.initial, self.filled)

    @property
    def is_unusual(self) -> bool:
        """Whether the venue ended the order for a reason that somebody should look at."""
        return self.end is not None and self.reason not in _USUAL


def of_fill(row: portfolio.Fill) -> FillStatement:
    """Return what a fill by REST states; it names no client id."""
    return FillStatement(
        trade_id=row.trade_id,
        order_id=row.order_id,
        client_order_id=None,
        ticker=row.ticker,
        side=side_of(row.bought, row.book_side),
        yes_price=row.yes_price_dollars,
        contracts=row.count_fp,
        fee_usd=row.fee_cost,
        is_taker=row.is_taker,
        at_ns=row.happened_ns,
    )


def of_fill_update(update: portfolio.FillUpdate) -> FillStatement:
    """Return what a fill on the stream states."""
    return FillStatement(
        trade_id=update.trade_id,
        order_id=update.order_id,
        client_order_id=update.client_order_id,
        ticker=update.market_ticker,
        side=side_of(update.outcome_side, update.book_side),
        yes_price=update.yes_price_dollars,
        contracts=update.count_fp,
        fee_usd=update.fee_cost,
        is_taker=update.is_taker,
        at_ns=update.happened_ns,
        position_after=update.post_position_fp,
    )


def of_order(row: portfolio.Order) -> OrderStatement:
    """Return what an order by REST states; an end at or after its expiry is held for the expiry."""
    at_ns = row.updated_ns or 0
    expires_ns = time_ns(row.expiration_time) if row.expiration_time else None
    reason = EXPIRED if row.status == "canceled" and expires_ns and at_ns >= expires_ns else ""
    return OrderStatement(
        order_id=row.order_id,
        client_order_id=row.client_order_id,
        ticker=row.ticker,
        side=side_of(row.outcome_side, row.book_side),
        yes_price=row.yes_price_dollars,
        initial=row.initial_count_fp,
        filled=row.fill_count_fp,
        remaining=row.remaining_count_fp,
        end=_end(row.order_id, row.status, reason),
        reason=reason,
        at_ns=at_ns,
        created_ns=time_ns(row.created_time) if row.created_time else 0,
        expires_ns=expires_ns,
        shard=row.exchange_index,
    )


def of_user_order(update: portfolio.UserOrder) -> OrderStatement | None:
    """Return what an order on the stream states; None when the venue says that it does not know."""
    if update.status == "unknown":
        return None
    reason = update.last_update_reason or ""
    expires_ms = update.expiration_ts_ms
    return OrderStatement(
        order_id=update.order_id,
        client_order_id=update.client_order_id,
        ticker=update.ticker,
        side=side_of(update.outcome_side, update.book_side),
        yes_price=update.yes_price_dollars,
        initial=update.initial_count_fp,
        filled=update.fill_count_fp,
        remaining=update.remaining_count_fp,
        end=_end(update.order_id, update.status, reason),
        reason=reason,
        at_ns=update.updated_ns or 0,
        created_ns=(update.created_ts_ms or 0) * _MILLISECOND_NS,
        expires_ns=None if expires_ms is None else expires_ms * _MILLISECOND_NS,
        shard=update.exchange_index,
    )


def _end(order_id: str, status: str, reason: str) -> End | None:
    if status not in _STATUSES:
        raise ValueError(f"expected a status among {_STATUSES} for order {order_id}, found {status!r}")
    if status == "resting":
        return None
    if status == "executed":
        return "executed"
    return "expired" if reason == EXPIRED else "canceled"
