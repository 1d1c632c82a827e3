"""The desk: what everyone who trades at Kalshi looks at."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, override

from nautilus_trader.model import InstrumentId

from adapters.kalshi.config import KalshiExecutionConfig
from adapters.kalshi.constants import VENUE
from adapters.kalshi.execution.cash import Cash, Holdings
from adapters.kalshi.execution.contracts import Contracts
from adapters.kalshi.execution.groups import OrderGroups
from adapters.kalshi.execution.modes import Modes
from adapters.kalshi.execution.resolution import Resolver
from adapters.kalshi.execution.telling import Teller
from adapters.kalshi.execution.tickets import Ticket, ticket_of
from adapters.kalshi.execution.translation import LEGS, Leg
from adapters.kalshi.http.client import KalshiHttp
from markets.instruments import outcome_id
from orders import desk
from orders.guard import Remembered


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk(desk.Desk[Ticket]):
    """What every command at Kalshi looks at."""

    settings: KalshiExecutionConfig
    http: KalshiHttp
    contracts: Contracts
    teller: Teller
    resolver: Resolver
    cash: Cash
    holdings: Holdings
    groups: OrderGroups
    modes: Modes

    @override
    def make_ticket(self, order: Any) -> Ticket:
        return ticket_of(order, self.contracts.of(order.instrument_id))

    def net_in_cache(self, ticker: str) -> Decimal:
        """Return the signed contracts of a market by the engine's open positions."""
        net = Decimal(0)
        for leg, sign in (("YES", 1), ("NO", -1)):
            for position in self.client.cache.positions_open(instrument_id=outcome_id(ticker, VENUE, leg)):
                side = sign if position.is_long else -sign
                net += side * position.quantity.as_decimal()  # `signed_qty` is a float, and not exact
        return net


def leg_of_memory(known: Remembered | None, ticker: str) -> Leg | None:
    """Return on which leg of a market an order was by our records; None when they do not say."""
    names: dict[InstrumentId, Leg] = {outcome_id(ticker, VENUE, leg): leg for leg in LEGS}
    return None if known is None else names.get(known.instrument_id)
