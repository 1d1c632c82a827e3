"""What is written: orders, cancels and beats, spelt as the venue spells them, and what it answers.

Source: reference, sections 5.2, 5.5 and 6 (read 2026-11-20). Answers are read leniently: what is empty, null or missing
says nothing.
"""

from decimal import Decimal
from typing import Literal

from msgspec import UNSET, Struct, UnsetType, field

from adapters.polymarket.messages.market_stream import Side
from adapters.polymarket.messages.numbers import decimal_of

type OrderType = Literal["GTC", "GTD", "FOK", "FAK"]


class OrderBody(Struct, frozen=True, kw_only=True, rename="camel"):
    """The signed order in the body of a POST; `expiration` is not signed."""

    builder: str
    expiration: str
    maker: str
    maker_amount: str
    metadata: str
    salt: int
    side: Side
    signature: str
    signature_type: int
    signer: str
    taker_amount: str
    timestamp: str
    token_id: str


class PostOrder(Struct, frozen=True, kw_only=True, rename="camel"):
    """One order, and what shall happen to it; `owner` is the API key."""

    defer_exec: bool = False
    order: OrderBody
    order_type: OrderType
    owner: str
    post_only: bool | UnsetType = UNSET


class OrderAnswer(Struct, frozen=True, kw_only=True):
    """What became of one order; `success` proves nothing in a batch."""

    success: bool = False
    error_text: str | None = field(name="errorMsg", default=None)
    order_id: str | None = field(name="orderID", default=None)
    status: str | None = None
    making_amount: str | None = field(name="makingAmount", default=None)
    taking_amount: str | None = field(name="takingAmount", default=None)
    trade_ids: tuple[str, ...] | None = field(name="tradeIDs", default=None)

    def matched(self, side: Side) -> Decimal:
        """Return the shares that were matched at once; 0 when the answer does not say."""
        text = self.taking_amount if side == "BUY" else self.making_amount
        return decimal_of(text) if text else Decimal(0)


class CancelOne(Struct, frozen=True):
    """The order to cancel."""

    order_id: str = field(name="orderID")


class CancelMarket(Struct, frozen=True, omit_defaults=True):
    """Whose orders to cancel: those of a market, of a token, or of a token of a market."""

    market: str = ""
    asset_id: str = ""


class CancelAnswer(Struct, frozen=True):
    """Which orders were cancelled, and why others were not."""

    canceled: tuple[str, ...] | None = None
    not_canceled: dict[str, str] | None = None


class Beat(Struct, frozen=True):
    """A sign of life, with the id that the last one got."""

    heartbeat_id: str


class BeatRefusal(Struct, frozen=True):
    """A beat with a stale id; `heartbeat_id` is the one that is expected."""

    error_msg: str = ""
    heartbeat_id: str = ""
