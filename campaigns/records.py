"""What a venue's books say about us, and what we say: the two sides that a campaign compares. Venue-neutral."""

from decimal import Decimal

from msgspec import Struct


class VenueOrder(Struct, frozen=True):
    """An order of ours in the venue's own books; `is_open` while it can still trade.

    It came at `made_ns` and changed last at `changed_ns`, in nanoseconds since the epoch.
    """

    order_id: str
    client_order_id: str
    market: str
    filled: Decimal
    is_open: bool
    made_ns: int = 0
    changed_ns: int = 0


class VenueFill(Struct, frozen=True):
    """A trade of ours in the venue's own books; `signed` contracts of the first outcome, a sale is negative."""

    trade_id: str
    order_id: str
    market: str
    signed: Decimal
    fee_usd: Decimal


class Books(Struct, frozen=True):
    """The venue's own records of our account, without any lag; positions are signed contracts per market.

    Cash that no message names to its last digit cannot be known here better than within `cash_within_usd`.
    """

    orders: tuple[VenueOrder, ...]
    fills: tuple[VenueFill, ...]
    positions: dict[str, Decimal]
    cash_usd: Decimal
    settled: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    cash_within_usd: Decimal = Decimal(0)


class KnownOrder(Struct, frozen=True):
    """An order as the engine keeps it; `trades` are the ids of its fills, `changed_ns` is its last event's time."""

    client_order_id: str
    order_id: str | None
    market: str
    status: str
    filled: Decimal
    trades: tuple[str, ...] = ()
    changed_ns: int = 0
    strategy: str = ""


class Known(Struct, frozen=True):
    """What we say: the engine's orders and positions, the ledger's positions and cash.

    `held` is signed contracts per market by the engine, `booked` by our ledger. `pairs` is what both sides of
    one market held at once are worth by the ledger: a venue that nets has paid it out. `unresolved` names
    what is in doubt. `broken` is what a component of ours complained of.
    """

    orders: tuple[KnownOrder, ...]
    held: dict[str, Decimal]
    booked: dict[str, Decimal]
    cash_usd: Decimal
    pairs_usd: Decimal
    unresolved: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()


class FaultRun(Struct, frozen=True):
    """What one run of the fault campaign found; `faults` are those that happened, as `plans.Terrain.every_fault` spells.

    `was_starved`: the machine let it wait longer than a client waits for an answer; what it broke says nothing then.
    """

    seed: int
    laws: tuple[str, ...]
    faults: tuple[str, ...] = ()
    unresolved: tuple[str, ...] = ()
    orders: int = 0
    fills: int = 0
    trace: tuple[str, ...] = ()
    was_starved: bool = False


class KillChain(Struct, frozen=True):
    """What a chain of kills at one double found.

    `newborn` were killed before they were asked anything, `stillborn` ended by themselves before.
    """

    seed: int
    kills: int
    newborn: int
    stillborn: int
    laws: tuple[str, ...]
    orders: int = 0
    fills: int = 0
