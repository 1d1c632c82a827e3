"""What is ours, by REST: open orders, trades, balances with allowances, positions, and whether we may trade.

Source: reference, sections 4, 6, 7, 12.1 and 19 (read 2026-11-20). Statuses by REST may be prefixed.
"""

from decimal import Decimal
from typing import Final

from msgspec import Struct, field

from adapters.polymarket.messages.market_stream import Side
from adapters.polymarket.messages.user_stream import MakerOrder

LAST_CURSOR: Final = "LTE="
_PREFIXES: Final = ("ORDER_STATUS_", "TRADE_STATUS_")


class OrderRow(Struct, frozen=True, kw_only=True):
    """An open order of ours; closed ones cannot be asked for."""

    id: str
    status: str
    market: str
    asset_id: str
    side: Side
    price: str
    original_size: str
    size_matched: str = ""
    order_type: str | None = None
    expiration: str | int | None = None
    created_at: str | int | None = None
    associate_trades: tuple[str, ...] | None = None


class OrdersPage(Struct, frozen=True):
    """One answer of `/data/orders`."""

    data: tuple[OrderRow, ...] = ()
    next_cursor: str = ""


class TradeRow(Struct, frozen=True, kw_only=True):
    """A trade of ours as its taker saw it, with the resting orders that it met."""

    id: str
    market: str
    asset_id: str
    side: Side
    price: str
    size: str
    status: str
    taker_order_id: str
    maker_orders: tuple[MakerOrder, ...] = ()
    trader_side: str | None = None
    match_time: str | int | None = None
    last_update: str | int | None = None
    transaction_hash: str | None = None


class TradesPage(Struct, frozen=True):
    """One answer of `/data/trades`."""

    data: tuple[TradeRow, ...] = ()
    next_cursor: str = ""


class BalanceAnswer(Struct, frozen=True):
    """What the wallet holds of a token, and what each contract may take of it, in base units as text."""

    balance: str
    allowances: dict[str, str] = {}


class PositionRow(Struct, frozen=True, kw_only=True):
    """Shares of one token by the Data API, seconds late."""

    token_id: str
    condition_id: str
    current_size: Decimal
    avg_price: Decimal | None = None
    redeemable: bool = False
    mergeable: bool = False
    negative_risk: bool = False


class Pagination(Struct, frozen=True):
    """Where the next page begins."""

    next_cursor: str | None = None


class PositionsPage(Struct, frozen=True):
    """One answer of `/v2/positions`."""

    data: tuple[PositionRow, ...] = ()
    pagination: Pagination = field(default_factory=Pagination)


class ClosedOnly(Struct, frozen=True):
    """Whether the account may only close what it holds."""

    closed_only: bool


class Geoblock(Struct, frozen=True):
    """Whether the venue takes orders from where we are."""

    blocked: bool
    country: str = ""
    region: str = ""


class ApiKey(Struct, frozen=True, rename="camel"):
    """Credentials as they are made or derived; shown nowhere."""

    api_key: str
    secret: str
    passphrase: str

    def __repr__(self) -> str:  # type: ignore[explicit-override]
        return "ApiKey(...)"


def bare_status(status: str) -> str:
    """Return a status of an order or a trade without the prefix that it has in some answers."""
    for prefix in _PREFIXES:
        status = status.removeprefix(prefix)
    return status
