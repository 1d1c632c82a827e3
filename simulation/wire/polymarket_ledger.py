"""Who holds which pUSD and which tokens: what a trade, a failed settlement and a resolution move."""

from dataclasses import dataclass, field

from simulation.wire.polymarket_orders import MakerFill, Market, Order, Trade


@dataclass(slots=True)
class Wallet:
    """One funder's holdings, in base units."""

    cash: int = 0
    tokens: dict[str, int] = field(default_factory=dict)

    def holds(self, token: str) -> int:
        """Shares of a token."""
        return self.tokens.get(token, 0)


class Ledger:
    """Every wallet, the fees taken and the collateral locked under minted pairs."""

    def __init__(self) -> None:
        self.wallets: dict[str, Wallet] = {}
        self.deposited = 0
        self.fees = 0
        self.locked: dict[str, int] = {}

    def wallet(self, address: str) -> Wallet:
        """The wallet of an address, empty if it is new."""
        return self.wallets.setdefault(address.lower(), Wallet())

    def deposit(self, address: str, amount: int) -> None:
        """Bring pUSD in from outside."""
        self.wallet(address).cash += amount
        self.deposited += amount

    def split(self, address: str, market: Market, amount: int) -> None:
        """Turn pUSD into as many pairs; ValueError when the wallet has less."""
        wallet = self.wallet(address)
        if wallet.cash < amount:
            raise ValueError(f"expected at most {wallet.cash} to split, found {amount}")
        wallet.cash -= amount
        for token in market.tokens:
            wallet.tokens[token] = wallet.holds(token) + amount
        self._lock(market, amount)

    def book(self, trade: Trade) -> None:
        """Move money and tokens of a trade, the fee with them."""
        self._move(trade, 1)

    def unbook(self, trade: Trade) -> None:
        """Undo a trade whose settlement failed; a wallet may be short after it, as the venue's then is."""
        self._move(trade, -1)

    def resolve(self, market: Market, winner: str) -> None:
        """Pay one pUSD for each winning share and burn both tokens."""
        for wallet in self.wallets.values():
            wallet.cash += wallet.holds(winner)
            for token in market.tokens:
                wallet.tokens.pop(token, None)
        self.locked[market.condition_id] = 0

    def violations(self, markets: list[Market]) -> list[str]:
        """What money and tokens contradict, in words."""
        held = sum(wallet.cash for wallet in self.wallets.values()) + self.fees + sum(self.locked.values())
        found = [] if held == self.deposited else [f"pUSD: deposited {self.deposited}, found {held}"]
        for market in markets:
            locked = self.locked.get(market.condition_id, 0)
            for token in market.tokens:
                supply = sum(wallet.holds(token) for wallet in self.wallets.values())
                if supply != locked:
                    found.append(f"token {token}: {locked} minted, found {supply}")
        return found

    def _move(self, trade: Trade, sign: int) -> None:
        for fill in trade.fills:
            self._leg(fill, fill.order, sign)
            self._leg(fill, trade.taker, sign)
            if fill.order.ask.token != trade.taker.ask.token:
                self._lock(
                    trade.taker.market, sign * fill.shares if trade.taker.ask.is_buy else -sign * fill.shares
                )
        self.wallet(trade.taker.ask.wallet).cash -= sign * trade.fee
        self.fees += sign * trade.fee

    def _leg(self, fill: MakerFill, order: Order, sign: int) -> None:
        wallet = self.wallet(order.ask.wallet)
        direction = sign if order.ask.is_buy else -sign
        wallet.cash -= direction * fill.own_money(order)
        wallet.tokens[order.ask.token] = wallet.holds(order.ask.token) + direction * fill.shares

    def _lock(self, market: Market, amount: int) -> None:
        self.locked[market.condition_id] = self.locked.get(market.condition_id, 0) + amount
