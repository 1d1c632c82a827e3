"""Everything that Polymarket's REST side offers us, in one client."""

from adapters.polymarket.http.market_data import MarketData
from adapters.polymarket.http.orders import Orders
from adapters.polymarket.http.portfolio import Portfolio


class PolymarketHttp(Portfolio, Orders, MarketData):
    """Public reads, signed reads and writes over one connection and its budgets."""
