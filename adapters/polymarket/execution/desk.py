"""The desk: what everyone who trades at Polymarket looks at."""

from dataclasses import dataclass
from typing import Any, override

from adapters.polymarket.config import PolymarketExecutionConfig
from adapters.polymarket.execution.cash import Cash, Holdings
from adapters.polymarket.execution.modes import Modes
from adapters.polymarket.execution.resolution import Resolver
from adapters.polymarket.execution.statements import FillStatement, of_trade
from adapters.polymarket.execution.telling import Teller
from adapters.polymarket.execution.tickets import Ticket, ticket_of
from adapters.polymarket.execution.translation import Contract
from adapters.polymarket.http.client import PolymarketHttp
from adapters.polymarket.signing.keys import Wallet
from orders import desk
from orders.contracts import Contracts


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk(desk.Desk[Ticket]):
    """What every command at Polymarket looks at; orders are signed by `wallet`."""

    settings: PolymarketExecutionConfig
    http: PolymarketHttp
    wallet: Wallet
    contracts: Contracts[Contract]
    teller: Teller
    resolver: Resolver
    cash: Cash
    holdings: Holdings
    modes: Modes

    @override
    def make_ticket(self, order: Any) -> Ticket:
        return ticket_of(order, self.contracts.of(order.instrument_id))

    def fills_of(self, trade: Any) -> list[FillStatement]:
        """Return what a trade states of our orders."""
        return list(of_trade(trade, self.is_ours))

    def is_ours(self, order_id: str, owner: str, wallet: str) -> bool:
        """Return whether an order in a trade is ours: by its id, by the API key, or by who pays."""
        is_known = self.tickets.find(None, order_id) is not None
        is_wallet = wallet.lower() == self.wallet.funder.lower()
        return is_known or owner == self.http.credentials.key or is_wallet
