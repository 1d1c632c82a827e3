"""An order, a trade and a fill as the double's engine keeps them."""

import uuid
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from simulation.wire.kalshi_units import ONE_PRICE

RESTING: Final = "resting"
CANCELED: Final = "canceled"
EXECUTED: Final = "executed"

GTC: Final = "good_till_canceled"
IOC: Final = "immediate_or_cancel"
FOK: Final = "fill_or_kill"


@lru_cache(maxsize=4096)
def user_uuid(user: str) -> str:
    """The UUID under which the wire shows a user of ours."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, user))


@dataclass(frozen=True, slots=True)
class OrderAsk:
    """What a client asked for, already in whole units; `side` is on the YES leg."""

    ticker: str
    is_bid: bool
    price: int
    count: int
    time_in_force: str = GTC
    self_trade: str = "taker_at_cross"
    client_order_id: str = ""
    expiration_ns: int | None = None
    post_only: bool = False
    reduce_only: bool = False
    cancel_on_pause: bool = False
    group_id: str | None = None
    subaccount: int = 0
    exchange_index: int | None = None


@dataclass(frozen=True, slots=True)
class OrderView:
    """What a reader of orders saw at one instant: the part of an order that changes."""

    at_ns: int
    status: str
    price: int
    initial: int
    filled: int
    remaining: int
    taker_cost: int
    maker_cost: int
    taker_fees: int
    maker_fees: int
    client_order_id: str
    expiration_ns: int | None


@dataclass(slots=True, eq=False)
class Order:
    """One order; sizes in hundredths of contracts, money in micro-dollars.

    `accumulator` is the fee rule's store of rounding (kalshi.md section 10). `history` has a view per
    change, so that a lagging read model can be shown.
    """

    order_id: str
    number: int
    user: str
    subaccount: int
    exchange_index: int
    ask: OrderAsk
    created_ns: int
    price: int
    initial: int
    remaining: int
    client_order_id: str
    expiration_ns: int | None
    group_id: str | None = None
    filled: int = 0
    status: str = RESTING
    reason: str | None = None
    updated_ns: int = 0
    taker_cost: int = 0
    maker_cost: int = 0
    taker_fees: int = 0
    maker_fees: int = 0
    accumulator: int = 0
    on_book: bool = False
    history: list[OrderView] = field(default_factory=list)

    @property
    def ticker(self) -> str:
        """The market."""
        return self.ask.ticker

    @property
    def is_bid(self) -> bool:
        """True for a bid on the YES leg."""
        return self.ask.is_bid

    @property
    def unit_cost(self) -> int:
        """Collateral per contract that opens a position: p for a bid, 1 - p for an ask."""
        return self.price if self.is_bid else ONE_PRICE - self.price

    def crosses(self, price: int) -> bool:
        """Whether this order would trade with one resting at `price` on the other side."""
        return self.price >= price if self.is_bid else self.price <= price

    def remember(self, now_ns: int) -> None:
        """Close one change: set the time and store what a reader sees from now on."""
        self.updated_ns = now_ns
        self.history.append(
            OrderView(
                now_ns, self.status, self.price, self.initial, self.filled, self.remaining, self.taker_cost,
                self.maker_cost, self.taker_fees, self.maker_fees, self.client_order_id, self.expiration_ns,
            )
        )  # fmt: skip

    def view(self, as_of_ns: int) -> OrderView | None:
        """What a reader lagging until `as_of_ns` sees; None before the order reached the read side."""
        for view in reversed(self.history):
            if view.at_ns <= as_of_ns:
                return view
        return None


@dataclass(frozen=True, slots=True)
class Trade:
    """One print; `taker_is_bid` means the taker bought YES."""

    number: int
    trade_id: str
    ticker: str
    price: int
    count: int
    taker_is_bid: bool
    at_ns: int


@dataclass(frozen=True, slots=True)
class Fill:
    """One side of a trade as its owner sees it; `was_closing` drives the legacy word `sell`."""

    number: int
    trade: Trade
    order_id: str
    client_order_id: str
    user: str
    subaccount: int
    exchange_index: int
    is_bid: bool
    is_taker: bool
    was_closing: bool
    fee: int
    cash_change: int
    position_after: int
