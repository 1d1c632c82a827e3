"""Who owns what: cash per (user, shard, subaccount), positions, and the house that earns the fees.

Cash moves only through `deposit`, `apply_fill`, `settle` and `move`; so the sum over all pockets, the
house and the collateral of open positions always equals what was deposited.
"""

from dataclasses import dataclass, field

from simulation.wire.kalshi_errors import VenueError
from simulation.wire.kalshi_orders import Fill, Order
from simulation.wire.kalshi_units import ONE_PRICE

PocketKey = tuple[str, int, int]
"""User, shard, subaccount."""


@dataclass(slots=True)
class Position:
    """A signed position (negative = NO) in hundredths of contracts, with its book-keeping in micro-dollars.

    `exposure` is what the open part cost, `traded` the cost of every outcome ever bought, exits booked
    as buys of the other outcome (kalshi.md section 13).
    """

    count: int = 0
    exposure: int = 0
    realized: int = 0
    fees: int = 0
    traded: int = 0
    volume: int = 0
    yes_bought: int = 0
    yes_cost: int = 0
    no_bought: int = 0
    no_cost: int = 0
    updated_ns: int = 0
    is_settled: bool = False
    history: list[tuple[int, tuple[int, ...]]] = field(default_factory=list)

    def remember(self, now_ns: int) -> None:
        """Store what a reader sees from now on."""
        self.updated_ns = now_ns
        view = (self.count, self.exposure, self.realized, self.fees, self.traded)
        self.history.append((now_ns, view))

    def book(self, *, is_bid: bool, price: int, count: int) -> int:
        """Apply one execution; return the change of cash before fees, micro-dollars."""
        unit = price if is_bid else ONE_PRICE - price
        held = -self.count if is_bid else self.count
        closing = min(count, max(held, 0))
        cost, opening = unit * count, count - closing
        if closing:
            released = self.exposure * closing // held
            self.exposure -= released
            self.realized += (ONE_PRICE - unit) * closing - released
        self.exposure += unit * opening
        self.count += count if is_bid else -count
        self.traded += cost
        self.volume += count
        if is_bid:
            self.yes_bought, self.yes_cost = self.yes_bought + count, self.yes_cost + cost
        else:
            self.no_bought, self.no_cost = self.no_bought + count, self.no_cost + cost
        return ONE_PRICE * closing - cost


@dataclass(slots=True)
class Pocket:
    """One user's cash on one shard and subaccount. A trusted pocket (the crowd's) may overdraw."""

    key: PocketKey
    cash: int = 0
    is_trusted: bool = False
    positions: dict[str, Position] = field(default_factory=dict)
    resting: dict[str, dict[str, Order]] = field(default_factory=dict)
    reserved: dict[str, int] = field(default_factory=dict)

    def position(self, ticker: str) -> Position:
        """The position in a market, made on first use."""
        found = self.positions.get(ticker)
        if found is None:
            found = self.positions[ticker] = Position()
        return found

    def count_of(self, ticker: str) -> int:
        """Signed contracts held, in hundredths."""
        found = self.positions.get(ticker)
        return found.count if found else 0

    def requirement(self, ticker: str, extra: Order | None = None) -> int:
        """Collateral of this market's resting orders, oldest first covered by what is held; micro-dollars."""
        held = self.count_of(ticker)
        cover = {True: max(-held, 0), False: max(held, 0)}
        orders = list(self.resting.get(ticker, {}).values())
        total = 0
        for order in [*orders, extra] if extra is not None else orders:
            covered = min(cover[order.is_bid], order.remaining)
            cover[order.is_bid] -= covered
            total += order.unit_cost * (order.remaining - covered)
        return total

    def refresh(self, ticker: str) -> None:
        """Recompute what this market's resting orders reserve."""
        if self.is_trusted:
            return
        if self.resting.get(ticker):
            self.reserved[ticker] = self.requirement(ticker)
        else:
            self.reserved.pop(ticker, None)

    def free(self, but: str = "") -> int:
        """Cash that no resting order claims, leaving out the claims of market `but`; micro-dollars."""
        return self.cash - sum(amount for ticker, amount in self.reserved.items() if ticker != but)

    def rest(self, order: Order) -> None:
        """Note a resting order."""
        self.resting.setdefault(order.ticker, {})[order.order_id] = order

    def unrest(self, order: Order) -> None:
        """Forget an order that rests no longer."""
        orders = self.resting.get(order.ticker)
        if orders and orders.pop(order.order_id, None) and not orders:
            del self.resting[order.ticker]


@dataclass(frozen=True, slots=True)
class Payout:
    """One settled position."""

    number: int
    pocket: PocketKey
    ticker: str
    event_ticker: str
    result: str
    value: int
    yes_count: int
    yes_cost: int
    no_count: int
    no_cost: int
    revenue: int
    fees: int
    at_ns: int


class Accounts:
    """Every pocket, and the house."""

    def __init__(self) -> None:
        self.pockets: dict[PocketKey, Pocket] = {}
        self.house = 0
        self.deposited = 0
        self.fills: dict[str, list[Fill]] = {}
        self.payouts: dict[str, list[Payout]] = {}

    def pocket(self, user: str, exchange_index: int, subaccount: int = 0) -> Pocket:
        """Return a pocket; `user_not_found` where this user never had money (kalshi.md section 12)."""
        found = self.pockets.get((user, exchange_index, subaccount))
        if found is None:
            raise VenueError(400, "user_not_found", "user not found")
        return found

    def deposit(self, user: str, exchange_index: int, micro: int, subaccount: int = 0) -> Pocket:
        """Add cash from outside (negative: take it out), opening the pocket."""
        key = (user, exchange_index, subaccount)
        pocket = self.pockets.setdefault(key, Pocket(key))
        pocket.cash += micro
        self.deposited += micro
        return pocket

    def move(self, source: Pocket, target: PocketKey, micro: int) -> None:
        """Carry free cash between pockets; `insufficient_balance` when there is less."""
        if micro <= 0 or source.free() < micro:
            raise VenueError(400, "insufficient_balance", "insufficient balance")
        source.cash -= micro
        self.pockets.setdefault(target, Pocket(target)).cash += micro

    def of_user(
        self, user: str, exchange_index: int | None = None, subaccount: int | None = None
    ) -> list[Pocket]:
        """A user's pockets, by shard and subaccount."""
        return [
            pocket
            for (owner, shard, number), pocket in sorted(self.pockets.items())
            if owner == user and exchange_index in (None, shard) and subaccount in (None, number)
        ]
