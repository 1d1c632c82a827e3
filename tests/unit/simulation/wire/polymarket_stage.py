"""What the tests of the Polymarket double are made of: one market, three funded wallets, short orders."""

from fractions import Fraction

from simulation.wire.polymarket_exchange import Exchange
from simulation.wire.polymarket_orders import Market, OrderAsk
from simulation.wire.polymarket_units import ONE

YES, NO = "111", "222"
CONDITION = "0x" + "ab" * 32
START_NS = 1_790_000_000_000_000_000


class Pit:
    """An exchange with a clock that stands until it is moved."""

    def __init__(self, fee_rate: Fraction = Fraction(7, 100)) -> None:
        self.at_ns = START_NS
        self.exchange = Exchange(7, lambda: self.at_ns)
        self.market = Market(CONDITION, (YES, NO), fee_rate=fee_rate)
        self.exchange.list_market(self.market)
        self.heard = []
        self.exchange.listeners.append(self.heard.append)
        for wallet in ("alice", "bob", "crowd"):
            self.exchange.ledger.deposit(wallet, 1_000 * ONE)

    def pairs(self, wallet: str, shares: int) -> None:
        """Give a wallet both tokens."""
        self.exchange.ledger.split(wallet, self.market, shares * ONE)

    def holds(self, wallet: str, token: str) -> float:
        """Shares of a token."""
        return self.exchange.ledger.wallet(wallet).holds(token) / ONE

    def cash(self, wallet: str) -> float:
        """The pUSD of a wallet."""
        return self.exchange.ledger.wallet(wallet).cash / ONE

    def place(self, wallet, token, verb, price, shares, kind="GTC", **more):
        """Place an order; price in units of 1e-4, shares whole or with two decimals."""
        ask = OrderAsk(
            f"0x{len(self.exchange.orders):064x}", wallet, wallet, token, verb == "buy", price,
            round(shares * 100) * ONE // 100, kind, **more,
        )  # fmt: skip
        return self.exchange.place(ask)
