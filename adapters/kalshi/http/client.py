"""Everything that Kalshi's REST side offers us, in one client."""

from adapters.kalshi.http.market_data import MarketData
from adapters.kalshi.http.orders import Orders
from adapters.kalshi.http.portfolio import Portfolio


class KalshiHttp(MarketData, Portfolio, Orders):
    """Public reads, signed reads and writes over one connection and its budgets."""
