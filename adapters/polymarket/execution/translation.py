"""One order in two languages: Nautilus' words, and what the venue signs. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from hashlib import sha256
from typing import Any, Final

from nautilus_trader.model import (
    BinaryOption,
    ContingencyType,
    InstrumentId,
    OrderSide,
    OrderType,
    Price,
    Quantity,
    TimeInForce,
)

from adapters.polymarket import constants as venue
from adapters.polymarket.messages import orders
from adapters.polymarket.messages.market_stream import Side
from adapters.polymarket.signing.amounts import limit_amounts, market_amounts
from adapters.polymarket.signing.orders import Draft, Exchange, SignedOrder
from markets.instruments import PRICE_DIGITS, info_of
from pricing.fees import FeeSchedule

_SECOND_NS: Final = 1_000_000_000
_MILLISECOND_NS: Final = 1_000_000
_LOT: Final = Decimal(1).scaleb(-venue.SIZE_DECIMALS)
_SALT_BITS: Final = 53
_ZEROS: Final = "0x" + 64 * "0"
_LIMITS: Final[dict[TimeInForce, orders.OrderType]] = {
    TimeInForce.GTC: "GTC",
    TimeInForce.GTD: "GTD",
    TimeInForce.IOC: "FAK",
    TimeInForce.FOK: "FOK",
}
_MARKETS: Final[dict[TimeInForce, orders.OrderType]] = {
    TimeInForce.GTC: "FAK",  # what a market order finds, it takes; nothing of it rests
    TimeInForce.IOC: "FAK",
    TimeInForce.FOK: "FOK",
}
RESTING: Final = frozenset({"GTC", "GTD"})


@dataclass(frozen=True, slots=True, eq=False)
class Contract:
    """What an order must know of its instrument. `least` shares may rest, `tick` is the one that is valid now."""

    instrument_id: InstrumentId
    condition_id: str
    token_id: str
    complement: InstrumentId
    tick: Decimal
    least: Decimal
    exchange: Exchange
    fees: FeeSchedule
    delay_ms: int

    @property
    def spender(self) -> str:
        """The contract that settles it, and needs our approval."""
        address: str = self.exchange.value[0]
        return address


def contract_of(instrument: BinaryOption) -> Contract:
    """Return the contract behind an instrument; ValueError or LookupError when it lacks a fact."""
    info = info_of(instrument)
    ranges, tokens = info["price_ranges"], info["tokens"]
    if len(ranges) != 1:
        raise ValueError(f"expected one tick for {instrument.id}, found {len(ranges)}")
    return Contract(
        instrument_id=instrument.id,
        condition_id=info["market"],
        token_id=tokens[0 if info["outcome"] == "YES" else 1],
        complement=InstrumentId.from_str(info["complement"]),
        tick=Decimal(ranges[0]["step"]),
        least=Decimal(info["min_size"]),
        exchange=Exchange.NEG_RISK if info["neg_risk"] else Exchange.STANDARD,
        fees=FeeSchedule.from_info(info),
        delay_ms=info["taker_delay_ms"],
    )


def instrument_of(condition_id: str, token_id: str) -> InstrumentId:
    """Return the instrument of a token."""
    return InstrumentId.from_str(f"{condition_id}-{token_id}.{venue.VENUE}")


def side_of(side: OrderSide) -> Side:
    """Return the venue's word for a side."""
    return "BUY" if side == OrderSide.BUY else "SELL"


def order_side(side: Side) -> OrderSide:
    """Return the engine's word for a side."""
    return OrderSide.BUY if side == "BUY" else OrderSide.SELL


def to_price(price: Decimal) -> Price:
    """Return a price of an instrument; ValueError outside (0, 1)."""
    if not 0 < price < 1:
        raise ValueError(f"expected a price in (0, 1) dollars, found {price}")
    return Price.from_decimal_dp(price, PRICE_DIGITS)


def to_quantity(shares: Decimal) -> Quantity:
    """Return a size of an instrument."""
    return Quantity.from_decimal_dp(shares, venue.FILL_DECIMALS)


def order_type_of(order: Any) -> orders.OrderType | None:
    """Return what the venue calls an order's time in force; None for one that it does not know."""
    kinds = _MARKETS if order.order_type == OrderType.MARKET else _LIMITS
    return kinds.get(order.time_in_force)


def is_post_only(order: Any) -> bool:
    """Return whether an order must rest; the engine's market orders do not say."""
    return bool(getattr(order, "is_post_only", False))


def problem_of(order: Any, contract: Contract, worst: Decimal, now_ns: int) -> str | None:
    """Return why the venue cannot take an order of a kind that it has, at `worst`, its limit; None when it can.

    `now_ns` judges its expiry.
    """
    return next(_problems(order, contract, worst, now_ns), None)


def problem_of_kind(order: Any) -> str | None:
    """Return why the venue has no such order, whatever its figures."""
    return next(_problems_of_kind(order), None)


def worst_price(order: Any, contract: Contract, params: Mapping[str, Any] | None, book: Any) -> Decimal | str:
    """Return the worst price that an order takes, or why there is none.

    A limit order names it. A market order takes `worst_price` of its params, else the price at which the book, as the
    engine keeps it now, covers it: it never takes more than what was there when it was sent.
    """
    if order.order_type != OrderType.MARKET:
        price: Decimal = order.price.as_decimal()
        return price
    if params and "worst_price" in params:
        return Decimal(str(params["worst_price"]))
    if book is None:
        return (
            f"NO_BOOK expected a book of {contract.instrument_id} or params with worst_price, found neither"
        )
    found = _covering(order, book)
    return f"NO_BOOK expected the book to cover {order.quantity}, found less" if found is None else found


def salt_of(client_order_id: str) -> int:
    """Return the salt of an order: the same for the same client id, so that its hash can be found again after a crash."""
    return int.from_bytes(sha256(client_order_id.encode()).digest()[:8]) >> (64 - _SALT_BITS)


def draft_of(
    order: Any, contract: Contract, worst: Decimal, *, salt: int, now_ns: int, builder: bytes
) -> Draft:
    """Return what is signed of a checked order; ValueError for amounts that come to nothing."""
    side, size = side_of(order.side), order.quantity.as_decimal()
    amounts = market_amounts if order.order_type == OrderType.MARKET else limit_amounts
    return Draft(
        token_id=contract.token_id,
        side=side,
        amounts=amounts(side, worst, size, contract.tick),
        exchange=contract.exchange,
        salt=salt,
        at_ms=now_ns // _MILLISECOND_NS,
        builder=builder,
    )


def post_of(order: Any, signed: SignedOrder, owner: str) -> orders.PostOrder:
    """Return the body that posts a signed order; the venue cancels one minute before it is told to."""
    draft, expires_secs = signed.draft, 0
    if order.time_in_force == TimeInForce.GTD:
        expires_secs = order.expire_time_ns // _SECOND_NS + venue.GTD_MARGIN_SECS
    body = orders.OrderBody(
        builder="0x" + draft.builder.hex(),
        expiration=str(expires_secs),
        maker=signed.maker,
        maker_amount=str(draft.amounts.offered),
        metadata=_ZEROS,
        salt=draft.salt,
        side=draft.side,
        signature=signed.signature,
        signature_type=signed.signature_type,
        signer=signed.signer,
        taker_amount=str(draft.amounts.requested),
        timestamp=str(draft.at_ms),
        token_id=draft.token_id,
    )
    kind = order_type_of(order)
    if kind is None:
        raise ValueError(f"expected a time in force that the venue knows, found {order.time_in_force.name}")
    if is_post_only(order):
        return orders.PostOrder(order=body, order_type=kind, owner=owner, post_only=True)
    return orders.PostOrder(order=body, order_type=kind, owner=owner)


def _covering(order: Any, book: Any) -> Decimal | None:
    levels = book.asks() if order.side == OrderSide.BUY else book.bids()
    missing = order.quantity.as_decimal()
    for level in levels:
        price: Decimal = level.price.as_decimal()
        size = Decimal(str(level.size()))
        missing -= size * price if order.is_quote_quantity else size
        if missing <= 0:
            return price
    return None


def _problems(order: Any, contract: Contract, worst: Decimal, now_ns: int) -> Iterator[str]:
    kind = order_type_of(order)
    yield from _problems_of_time(order, kind, now_ns)
    if not contract.tick <= worst <= 1 - contract.tick or worst % contract.tick:
        grid = f"from {contract.tick} to {1 - contract.tick} in steps of {contract.tick}"
        yield f"INVALID_PRICE expected a price of {contract.instrument_id} {grid}, found {worst}"
    size = order.quantity.as_decimal()
    if size % _LOT:
        yield f"INVALID_SIZE expected a multiple of {_LOT} on {contract.instrument_id}, found {size}"
    if kind in RESTING and size < contract.least:
        yield f"INVALID_SIZE expected {contract.least} shares or more on {contract.instrument_id}, found {size}"
    paid = size if order.is_quote_quantity else size * worst
    if kind not in RESTING and order.side == OrderSide.BUY and paid < venue.LEAST_MARKETABLE_USD:
        least = venue.LEAST_MARKETABLE_USD
        yield f"INVALID_SIZE expected {least} pUSD or more for an order that takes, found {paid}"


def _problems_of_kind(order: Any) -> Iterator[str]:
    is_market = order.order_type == OrderType.MARKET
    if not is_market and order.order_type != OrderType.LIMIT:
        yield f"UNSUPPORTED {order.order_type.name} order: Polymarket has limit and market orders only"
    if order.is_reduce_only:
        yield "UNSUPPORTED reduce-only: Polymarket has none, and nothing there can be sold short"
    if getattr(order, "display_qty", None) is not None:
        yield "UNSUPPORTED display quantity: Polymarket shows whole orders"
    if order.contingency_type not in (None, ContingencyType.NO_CONTINGENCY):
        yield f"UNSUPPORTED contingency {order.contingency_type.name}: Polymarket links no orders"
    if is_market and order.is_quote_quantity != (order.side == OrderSide.BUY):
        yield "UNSUPPORTED size: a market buy is sized in pUSD (quote quantity), everything else in shares"
    if not is_market and order.is_quote_quantity:
        yield "UNSUPPORTED quote quantity with a limit: its size is in shares"


def _problems_of_time(order: Any, kind: orders.OrderType | None, now_ns: int) -> Iterator[str]:
    if kind is None:
        yield f"UNSUPPORTED time in force {order.time_in_force.name}: expected GTC, GTD, IOC or FOK"
    if kind not in RESTING and is_post_only(order):
        yield f"UNSUPPORTED post-only with {order.time_in_force.name}: it must rest"
    if order.time_in_force == TimeInForce.GTD:
        stated_ns = (order.expire_time_ns or 0) + venue.GTD_MARGIN_SECS * _SECOND_NS
        if stated_ns < now_ns + venue.LEAST_GTD_SECS * _SECOND_NS:
            least = venue.LEAST_GTD_SECS - venue.GTD_MARGIN_SECS
            yield f"INVALID_EXPIRY expected an expiry {least} s ahead or later"
