"""One order in two languages: four Nautilus sides on two legs, two Kalshi sides on the YES book. Pure.

Buying NO at p and selling YES at 1 - p are the same order there: `ask` at 1 - p (reference, sections 0 and 6,
read 2026-11-20). So a price of the NO leg is one minus the YES price, in both directions.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Literal

from msgspec import UNSET
from nautilus_trader.model import (
    ContingencyType,
    InstrumentId,
    OrderSide,
    OrderType,
    Price,
    Quantity,
    TimeInForce,
)

from adapters.kalshi.execution.wishes import Wishes
from adapters.kalshi.messages.numbers import SIZE_DIGITS, BookSide, Side, price_text, size_text
from adapters.kalshi.messages.orders import AmendOrder, CreateOrder
from adapters.kalshi.messages.orders import TimeInForce as VenueTimeInForce
from markets.instruments import PRICE_DIGITS, Instrument, info_of
from markets.ticks import PriceGrid, grid_of
from pricing.fees import FeeSchedule

type Leg = Literal["YES", "NO"]

LEGS: Final[tuple[Leg, Leg]] = ("YES", "NO")
ONE: Final = Decimal(1)
_SECOND_NS: Final = 1_000_000_000
_LONGEST_CLIENT_ID: Final = 64  # the venue names no limit; its other client ids end at 64
_TIMES_IN_FORCE: Final[dict[TimeInForce, VenueTimeInForce]] = {
    TimeInForce.GTC: "good_till_canceled",
    TimeInForce.GTD: "good_till_canceled",
    TimeInForce.IOC: "immediate_or_cancel",
    TimeInForce.FOK: "fill_or_kill",
}


@dataclass(frozen=True, slots=True, eq=False)
class Contract:
    """What an order must know of its instrument: market, leg, shard, ticks and fees."""

    instrument_id: InstrumentId
    ticker: str
    leg: Leg
    shard: int
    grid: PriceGrid
    fees: FeeSchedule


def contract_of(instrument: Instrument) -> Contract:
    """Return the contract behind an instrument; ValueError or LookupError when it lacks a fact."""
    info = info_of(instrument)
    leg = info["outcome"]
    if leg not in ("YES", "NO"):
        raise ValueError(f"expected {instrument.id} to be a YES or NO, found {leg!r}")
    fees = FeeSchedule.from_info(info)
    return Contract(instrument.id, info["market"], leg, info["shard"], grid_of(instrument), fees)


def book_side(leg: Leg, side: OrderSide) -> BookSide:
    """Return on which side of the YES book an order of this leg stands."""
    return "bid" if (leg == "YES") == (side == OrderSide.BUY) else "ask"


def order_side(leg: Leg, side: BookSide) -> OrderSide:
    """Return what an order of the YES book does with this leg."""
    return OrderSide.BUY if (leg == "YES") == (side == "bid") else OrderSide.SELL


def other_scale(leg: Leg, price: Decimal) -> Decimal:
    """Return the YES price of a price of this leg, or the other way round: it is its own inverse."""
    return price if leg == "YES" else ONE - price


def side_of(outcome: Side, book: BookSide | None) -> BookSide:
    """Return the book side of a fill or order; ValueError when the venue's two words contradict each other."""
    told: BookSide = "bid" if outcome == "yes" else "ask"
    if book is not None and book != told:
        raise ValueError(f"expected book side {told} with outcome side {outcome}, found {book}")
    return told


def signed_contracts(side: BookSide, contracts: Decimal) -> Decimal:
    """Return what a fill adds to the one signed number that a position is there: YES up, NO down."""
    return contracts if side == "bid" else -contracts


def leg_of_stranger(side: BookSide, position: Decimal) -> Leg:
    """Return the leg of an order that nobody knows, by the position of YES (negative: NO) that it meets.

    The venue does not tell whether an ask sells YES or buys NO. It closes what is there, else it opens.
    """
    if side == "bid":
        return "NO" if position < 0 else "YES"
    return "YES" if position > 0 else "NO"


def to_price(price: Decimal) -> Price:
    """Return a price of an instrument; ValueError outside (0, 1)."""
    if not 0 < price < 1:
        raise ValueError(f"expected a price in (0, 1) dollars, found {price}")
    return Price.from_decimal_dp(price, PRICE_DIGITS)


def to_quantity(contracts: Decimal) -> Quantity:
    """Return a size of an instrument."""
    return Quantity.from_decimal_dp(contracts, SIZE_DIGITS)


def problem_of(order: Any, contract: Contract, now_ns: int) -> str | None:
    """Return why the venue cannot take an order, None when it can; `now_ns` judges its expiry."""
    return next(_problems(order, contract, now_ns), None)


def problem_of_price(contract: Contract, price: Decimal) -> str | None:
    """Return why a price cannot stand in this market."""
    if not 0 < price < 1:
        return f"INVALID_PRICE expected a price in (0, 1) for {contract.instrument_id}, found {price}"
    if not contract.grid.holds(price):
        below, above = contract.grid.floor(price), contract.grid.ceil(price)
        found = f"found {price} between {below} and {above}"
        return f"INVALID_PRICE expected a price on a tick of {contract.instrument_id}, {found}"
    return None


def problem_of_size(contract: Contract, contracts: Decimal) -> str | None:
    """Return why a size cannot be asked for."""
    try:
        size_text(contracts)
    except ValueError as error:
        return f"INVALID_SIZE {error} on {contract.instrument_id}"
    return None


def create_order(order: Any, contract: Contract, wishes: Wishes, group: str | None) -> CreateOrder:
    """Return the request that creates a checked order; ValueError for what the venue is known to refuse."""
    expires_ns = order.expire_time_ns if order.time_in_force == TimeInForce.GTD else None
    rests = order.time_in_force in (TimeInForce.GTC, TimeInForce.GTD)
    return CreateOrder(
        ticker=contract.ticker,
        side=book_side(contract.leg, order.side),
        count=size_text(order.quantity.as_decimal()),
        price=price_text(other_scale(contract.leg, order.price.as_decimal())),
        time_in_force=_TIMES_IN_FORCE[order.time_in_force],
        client_order_id=order.client_order_id.value,
        self_trade_prevention_type=wishes.self_trade_prevention,
        expiration_time=UNSET if expires_ns is None else expires_ns // _SECOND_NS,
        post_only=True if order.is_post_only else UNSET,
        reduce_only=True if order.is_reduce_only else UNSET,
        cancel_order_on_pause=True if wishes.cancel_order_on_pause and rests else UNSET,
        order_group_id=UNSET if group is None else group,
        exchange_index=contract.shard,
    )


def amend_order(contract: Contract, side: OrderSide, price: Decimal, contracts: Decimal) -> AmendOrder:
    """Return the request that gives an order this price of its leg and this size, fills included."""
    return AmendOrder(
        ticker=contract.ticker,
        side=book_side(contract.leg, side),
        price=price_text(other_scale(contract.leg, price)),
        count=size_text(contracts),
        exchange_index=contract.shard,
    )


def _problems(order: Any, contract: Contract, now_ns: int) -> Iterator[str]:
    yield from _problems_of_kind(order)
    yield from _problems_of_time(order, now_ns)
    if len(order.client_order_id.value) > _LONGEST_CLIENT_ID:
        yield f"UNSUPPORTED expected a client id of at most {_LONGEST_CLIENT_ID} characters"
    for problem in (
        problem_of_price(contract, order.price.as_decimal()),
        problem_of_size(contract, order.quantity.as_decimal()),
    ):
        if problem:
            yield problem


def _problems_of_kind(order: Any) -> Iterator[str]:
    if order.order_type != OrderType.LIMIT:
        yield (
            f"UNSUPPORTED {order.order_type.name} order: Kalshi has limit orders only, cross with an IOC limit"
        )
    if order.is_quote_quantity:
        yield "UNSUPPORTED quote quantity: sizes are in contracts"
    if order.display_qty is not None:
        yield "UNSUPPORTED display quantity: Kalshi shows whole orders"
    if order.contingency_type not in (None, ContingencyType.NO_CONTINGENCY):
        yield f"UNSUPPORTED contingency {order.contingency_type.name}: Kalshi links no orders"


def _problems_of_time(order: Any, now_ns: int) -> Iterator[str]:
    tif = order.time_in_force
    if tif not in _TIMES_IN_FORCE:
        yield f"UNSUPPORTED time in force {tif.name}: expected GTC, GTD, IOC or FOK"
    if tif == TimeInForce.GTD and not _expires_later(order.expire_time_ns, now_ns):
        yield "INVALID_EXPIRY expected an expiry in a later second than now"
    if order.is_post_only and tif not in (TimeInForce.GTC, TimeInForce.GTD):
        yield f"UNSUPPORTED post-only with {tif.name}: it must rest"
    if order.is_reduce_only and tif != TimeInForce.IOC:
        yield f"UNSUPPORTED reduce-only with {tif.name}: Kalshi takes it with IOC only"


def _expires_later(expires_ns: int | None, now_ns: int) -> bool:
    return expires_ns is not None and expires_ns // _SECOND_NS > now_ns // _SECOND_NS
