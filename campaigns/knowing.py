"""What an engine and a ledger of ours say, by market and signed. Venue-neutral."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from nautilus_trader.model import InstrumentId

from campaigns.records import Known, KnownOrder
from risk.ledger import Ledger
from system.crew import Crew
from system.node import BookNode

type MarketOf = Callable[[InstrumentId], tuple[str, int]]
"""The market of an outcome, and 1 for its first outcome, -1 for its second."""


def known_of(
    node: BookNode,
    venue: str,
    market_of: MarketOf,
    unresolved: tuple[str, ...],
    *,
    order_of: Callable[[Any], KnownOrder] | None = None,
    pairs_usd: Decimal = Decimal(0),
) -> Known:
    """Return what engine and ledger say; `unresolved` is what the client doubts, `pairs_usd` what the venue has netted."""
    crew, cache = node.crew, node._cache
    return Known(
        orders=tuple(map(order_of or known_order, cache.orders())),
        held=held_of(cache, market_of),
        booked=booked_of(crew.ledger, market_of),
        cash_usd=crew.ledger.cash_usd(venue) + crew.ledger.pending_usd(venue),
        pairs_usd=pairs_usd,
        unresolved=unresolved,
        broken=tuple(complaints(crew)),
    )


def complaints(crew: Crew) -> list[str]:
    """Return what broke among our own."""
    door, guardian = crew.door, crew.guardian
    found = [f"the guard broke: {door.broken!r}"] if door.broken else []
    found += [f"{component} raised {fault!r}" for component, fault in door.faults.items()]
    found += [f"the ledger was told twice of {trade}" for trade in crew.ledger.duplicates]
    if guardian.state != "active":
        found.append(f"the guardian is {guardian.state}: {guardian.switch.cause}")
    return found


def held_of(cache: Any, market_of: MarketOf) -> dict[str, Decimal]:
    """Return the engine's contracts by market."""
    held: dict[str, Decimal] = {}
    for position in cache.positions_open():
        market, sign = market_of(position.instrument_id)
        side = sign if position.is_long else -sign
        held[market] = held.get(market, Decimal(0)) + side * position.quantity.as_decimal()
    return held


def booked_of(ledger: Ledger, market_of: MarketOf) -> dict[str, Decimal]:
    """Return the ledger's contracts by market."""
    booked: dict[str, Decimal] = {}
    for position in ledger.positions():
        market, sign = market_of(InstrumentId.from_str(position.outcome.instrument))
        booked[market] = booked.get(market, Decimal(0)) + sign * position.quantity
    return booked


def known_order(order: Any) -> KnownOrder:
    """Return an order of the engine."""
    venue_id = order.venue_order_id
    return KnownOrder(
        client_order_id=order.client_order_id.value,
        order_id=None if venue_id is None else venue_id.value,
        market=order.instrument_id.symbol.value,
        status=order.status.name,
        filled=order.filled_qty.as_decimal(),
        trades=tuple(trade.value for trade in order.trade_ids),
        changed_ns=order.ts_last,
        strategy=order.strategy_id.value,
    )
