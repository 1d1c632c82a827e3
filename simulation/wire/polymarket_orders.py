"""Markets, orders and trades as the Polymarket double keeps them."""

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

from simulation.wire.polymarket_units import FINE_TICK, ONE, ONE_PRICE

SECOND_NS = 1_000_000_000
TAKER_DELAY_NS = 150_000_000
"""How long crypto and finance up/down markets hold a marketable order since 2026-09-04 (section 17.1)."""

CROWD = "crowd"
"""The owner of orders that nobody sent over the wire."""

OrderType = Literal["GTC", "GTD", "FAK", "FOK"]
TradeStatus = Literal["MATCHED", "MINED", "CONFIRMED", "RETRYING", "FAILED"]


@dataclass(frozen=True, slots=True)
class About:
    """What the catalogue says of a market beyond its trading terms; times in nanoseconds, 0 when unknown.

    An event of a `series` is one window of it; `group_title` is what the market is called inside its event.
    """

    number: int = 0
    question: str = "A made-up question?"
    slug: str = ""
    event: str = ""
    series: str = ""
    group_title: str = ""
    start_ns: int = 0
    end_ns: int = 0
    tags: tuple[str, ...] = ()
    twap_secs: int = 0
    asset: str = ""


@dataclass(slots=True)
class Market:
    """One binary market: two tokens, one book; prices in units of 1e-4, sizes in base units.

    `is_delayed` is the flag `itode`, `delay_secs` the flag `sd`; both make a marketable order wait.
    `clears_at_ns` is the game start at which the book is emptied, None for none. `payouts` are what one
    share of each token is paid once the market is resolved. `last_price` is in the token that traded last. `neg_risk_id` joins the markets of one event.
    """

    condition_id: str
    tokens: tuple[str, str]
    outcomes: tuple[str, str] = ("Yes", "No")
    tick: int = 100
    minimum_size: int = 5 * ONE
    neg_risk: bool = False
    fee_rate: Fraction = Fraction(0)
    fee_exponent: int = 1
    accepting: bool = True
    last_price: int | None = None
    yes_price: int | None = None
    last_side: str = ""
    payouts: tuple[int, int] | None = None
    closed_ns: int = 0
    is_delayed: bool = False
    delay_secs: int = 0
    clears_at_ns: int | None = None
    refines: bool = True
    neg_risk_id: str = ""
    about: About = field(default_factory=About)

    @property
    def is_resolved(self) -> bool:
        """Whether it is known what its shares are paid."""
        return self.payouts is not None

    @property
    def winner(self) -> str | None:
        """The token that pays one, None before the result and when both pay one half."""
        if self.payouts is None or self.payouts[0] == self.payouts[1]:
            return None
        return self.tokens[0 if self.payouts[0] else 1]

    @property
    def delay_ns(self) -> int:
        """How long a marketable order waits before it trades."""
        return max(TAKER_DELAY_NS if self.is_delayed else 0, self.delay_secs * SECOND_NS)

    def payout(self, token: str) -> int:
        """What a share of a token is paid, in price units; ValueError before the result."""
        if self.payouts is None:
            raise ValueError(f"expected a resolved market, found {self.condition_id} open")
        return self.payouts[self.tokens.index(token)]

    def is_yes(self, token: str) -> bool:
        """Whether a token is the first of the two, on whose leg the book is kept."""
        return token == self.tokens[0]

    def other(self, token: str) -> str:
        """The complement of a token."""
        return self.tokens[1 if self.is_yes(token) else 0]

    def must_refine(self, price: int) -> bool:
        """Whether a price makes the tick finer: a 0.01 market past 0.96 or under 0.04 (section 14)."""
        return self.refines and self.tick == 10 * FINE_TICK and not 400 <= price <= ONE_PRICE - 400

    def is_on_grid(self, price: int) -> bool:
        """Whether a price is a multiple of the tick from one tick to one minus one tick."""
        return price % self.tick == 0 and self.tick <= price <= ONE_PRICE - self.tick


@dataclass(frozen=True, slots=True)
class OrderAsk:
    """What a signed order says, its amounts turned into a price and a size.

    `price` is the limit in the order's own token. `budget` is set for a FAK or FOK buy, which spends
    money, at most so much before fees, and may get more than `size` for it; all else trades `size`.
    """

    order_id: str
    wallet: str
    owner: str
    token: str
    is_buy: bool
    price: int
    size: int
    order_type: OrderType
    post_only: bool = False
    expires_at_ns: int | None = None
    budget: int | None = None


@dataclass(slots=True, eq=False)
class Order:
    """An order that was taken: what it asked, what is left, how it ended."""

    ask: OrderAsk
    market: Market
    number: int
    created_ns: int
    remaining: int
    matched: int = 0
    status: str = "LIVE"
    changed_ns: int = 0
    trade_ids: list[str] = field(default_factory=list)

    @property
    def is_bid(self) -> bool:
        """Whether it buys YES or sells NO: the same side of the one book (section 14)."""
        return self.ask.is_buy == self.market.is_yes(self.ask.token)

    @property
    def book_price(self) -> int:
        """Its limit on the YES leg."""
        return self.ask.price if self.market.is_yes(self.ask.token) else ONE_PRICE - self.ask.price

    def crosses(self, book_price: int) -> bool:
        """Whether it would trade at a price of the other side."""
        return book_price <= self.book_price if self.is_bid else book_price >= self.book_price


@dataclass(frozen=True, slots=True)
class MakerFill:
    """One resting order's part of a trade; `price` on the YES leg, `yes_money` what that leg was worth."""

    order: Order
    price: int
    shares: int
    yes_money: int

    def own_price(self, order: Order) -> int:
        """The price in the token of one of the two orders."""
        return self.price if order.market.is_yes(order.ask.token) else ONE_PRICE - self.price

    def own_money(self, order: Order) -> int:
        """The money of one of the two orders."""
        return self.yes_money if order.market.is_yes(order.ask.token) else self.shares - self.yes_money


@dataclass(slots=True, eq=False)
class Trade:
    """A taker order against the resting orders that it met at one price: one bucket of its settlement."""

    trade_id: str
    taker: Order
    fills: tuple[MakerFill, ...]
    fee: int
    matched_ns: int
    status: TradeStatus = "MATCHED"
    updated_ns: int = 0
    transaction: str = ""
    bucket: int = 0

    @property
    def price(self) -> int:
        """The price in the taker's token."""
        return self.fills[0].own_price(self.taker)

    @property
    def shares(self) -> int:
        """Everything the taker traded, in base units."""
        return sum(fill.shares for fill in self.fills)

    @property
    def taker_money(self) -> int:
        """What the taker paid or got before its fee."""
        return sum(fill.own_money(self.taker) for fill in self.fills)

    @property
    def is_crowds(self) -> bool:
        """Whether nobody on the wire has a part in it."""
        return self.owners() == {CROWD}

    def owners(self) -> set[str]:
        """The keys behind its orders."""
        return {self.taker.ask.owner, *(fill.order.ask.owner for fill in self.fills)}
