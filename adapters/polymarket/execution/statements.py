"""What the venue states about an order or a fill of ours, alike from REST and from the stream. Pure."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from adapters.polymarket.messages.market_stream import Side
from adapters.polymarket.messages.numbers import decimal_of, time_ns
from adapters.polymarket.messages.portfolio import OrderRow, TradeRow, bare_status
from adapters.polymarket.messages.user_stream import MakerOrder, OrderMessage, UserTradeMessage
from orders.tickets import End

FINAL: Final = "CONFIRMED"
FAILED: Final = "FAILED"
DUST: Final = Decimal("0.01")
"""Fills can fall short of an order by less than this, as amounts are cut: then nothing of it is left to fill."""

_USUAL_ENDS: Final = ("CANCELED", "CANCELED_EXPIRED_ORDER", "CANCELED_MARKET_RESOLVED")
_KILLS: Final = ("fully filled or killed", "no orders found to match")
_STATUSES: Final = frozenset({"MATCHED", "MINED", FINAL, "RETRYING", FAILED, "MATCHED_NOT_BROADCASTED"})
_NO_ID: Final = re.compile(r"[^0-9a-zA-Z]")
_DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_MOST_NAME: Final = 36  # of a trade id (rc7)


@dataclass(frozen=True, slots=True, kw_only=True)
class FillStatement:
    """One fill of one order of ours, and how far its settlement has come; times in nanoseconds."""

    trade_id: str
    order_id: str
    condition_id: str
    token_id: str
    side: Side
    price: Decimal
    shares: Decimal
    is_taker: bool
    status: str
    at_ns: int

    @property
    def name(self) -> str:
        """What the engine calls it: one trade may fill several orders of ours, and each is a fill of its own."""
        return name_of_fill(self.trade_id, self.order_id)

    @property
    def is_final(self) -> bool:
        """Whether it is settled for good."""
        return self.status == FINAL

    @property
    def is_failed(self) -> bool:
        """Whether it will never be settled."""
        return self.status == FAILED


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderStatement:
    """One order; `end` is None while it may fill, `is_delayed` while it waits in the delay of takers."""

    order_id: str
    condition_id: str
    token_id: str
    side: Side
    price: Decimal
    size: Decimal
    filled: Decimal
    end: End | None
    is_delayed: bool = False
    reason: str = ""
    at_ns: int = 0
    created_ns: int = 0
    expires_ns: int | None = None
    order_type: str = ""

    @property
    def is_unusual(self) -> bool:
        """Whether the venue ended the order for a reason that somebody should look at."""
        is_kill = any(text in self.reason for text in _KILLS)
        return self.end == "canceled" and self.reason not in _USUAL_ENDS and not is_kill


def name_of_fill(trade_id: str, order_id: str) -> str:
    """Return one name for a trade and an order in it, short enough for the engine (36 characters)."""
    number, tail = int(order_id[-12:], 16) if _is_hex(order_id) else 0, ""
    for _ in range(4):
        number, digit = divmod(number, len(_DIGITS))
        tail += _DIGITS[digit]
    return _NO_ID.sub("", trade_id)[: _MOST_NAME - len(tail)] + tail


def of_trade(
    trade: UserTradeMessage | TradeRow, is_ours: Callable[[str, str, str], bool]
) -> Iterator[FillStatement]:
    """Yield what a trade states of our orders; `is_ours(order, API key, wallet)` tells them from others'.

    As maker our token and price are the entry's, which may be the complement's: then we are on the taker's side.
    """
    if trade.trader_side == "TAKER" or is_ours(trade.taker_order_id, "", ""):
        yield _fill(trade, trade.taker_order_id, trade.asset_id, trade.side, trade.price, trade.size, True)
    for entry in trade.maker_orders:
        if entry.order_id != trade.taker_order_id and is_ours(
            entry.order_id, entry.owner, entry.maker_address
        ):
            side = _side_of_maker(trade, entry)
            yield _fill(trade, entry.order_id, entry.asset_id, side, entry.price, entry.matched_amount, False)


def of_order(row: OrderMessage | OrderRow) -> OrderStatement:
    """Return what an order states, by REST or on the stream; ValueError for figures that cannot be."""
    status = bare_status(row.status)
    size, filled = decimal_of(row.original_size), decimal_of(row.size_matched or "0")
    told_ns = _time(row.timestamp) if isinstance(row, OrderMessage) else 0
    expires_ns = _time(row.expiration)
    is_cancel = isinstance(row, OrderMessage) and row.type == "CANCELLATION"
    return OrderStatement(
        order_id=row.id,
        condition_id=row.market,
        token_id=row.asset_id,
        side=row.side,
        price=decimal_of(row.price),
        size=size,
        filled=filled,
        end=_end(status, filled, size, is_cancel=is_cancel),
        is_delayed=status == "DELAYED",
        reason=status,
        at_ns=told_ns,
        created_ns=_time(row.created_at),
        expires_ns=expires_ns or None,
        order_type=row.order_type or "",
    )


def _fill(  # noqa: PLR0913  each is a fact of the fill
    trade: UserTradeMessage | TradeRow,
    order_id: str,
    token_id: str,
    side: Side,
    price: str,
    shares: str,
    is_taker: bool,
) -> FillStatement:
    status = bare_status(trade.status)
    if status not in _STATUSES:
        raise ValueError(f"expected a status of trade {trade.id} among {sorted(_STATUSES)}, found {status!r}")
    matched = trade.match_time or (trade.matchtime if isinstance(trade, UserTradeMessage) else None)
    return FillStatement(
        trade_id=trade.id,
        order_id=order_id,
        condition_id=trade.market,
        token_id=token_id,
        side=side,
        price=decimal_of(price),
        shares=decimal_of(shares),
        is_taker=is_taker,
        status=status,
        at_ns=_time(matched) or _time(trade.last_update),
    )


def _side_of_maker(trade: UserTradeMessage | TradeRow, entry: MakerOrder) -> Side:
    if entry.side is not None:
        return entry.side
    if entry.asset_id != trade.asset_id:
        return trade.side
    return "SELL" if trade.side == "BUY" else "BUY"


def _end(status: str, filled: Decimal, size: Decimal, *, is_cancel: bool) -> End | None:
    if status == "CANCELED_EXPIRED_ORDER":
        return "expired"
    if is_cancel or status.startswith("CANCELED") or status == "INVALID":
        return "canceled"
    return "executed" if filled > 0 and size - filled < DUST else None


def _time(text: str | int | None) -> int:
    return 0 if text in (None, "", "0", 0) else time_ns(text or 0)


def _is_hex(text: str) -> bool:
    return re.fullmatch(r"0x[0-9a-fA-F]{12,}", text) is not None
