"""Who holds which pUSD and which tokens: what trades, the chain's operations and resolutions move.

Every pair of tokens stands on locked pUSD. The markets of one neg-risk event may also share full sets of
YES tokens, which conversions make (polymarket.md section 14).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from simulation.wire.polymarket_orders import MakerFill, Market, Order, Trade
from simulation.wire.polymarket_units import ONE_PRICE


@dataclass(slots=True)
class Wallet:
    """One funder's holdings, in base units."""

    cash: int = 0
    tokens: dict[str, int] = field(default_factory=dict)

    def holds(self, token: str) -> int:
        """Shares of a token."""
        return self.tokens.get(token, 0)

    def add(self, token: str, shares: int) -> None:
        """Give or take shares of a token."""
        self.tokens[token] = self.holds(token) + shares


class Ledger:
    """Every wallet, the fees taken and the collateral locked under minted pairs.

    `sets` counts the full sets of YES that conversions made in a neg-risk event, `set_money` what stands under them.
    """

    def __init__(self) -> None:
        self.wallets: dict[str, Wallet] = {}
        self.deposited = 0
        self.fees = 0
        self.locked: Counter[str] = Counter()
        self.sets: Counter[str] = Counter()
        self.set_money: Counter[str] = Counter()

    def wallet(self, address: str) -> Wallet:
        """The wallet of an address, empty if it is new."""
        return self.wallets.setdefault(address.lower(), Wallet())

    def deposit(self, address: str, amount: int) -> None:
        """Bring pUSD in from outside, or take it out when `amount` is negative."""
        self.wallet(address).cash += amount
        self.deposited += amount

    def split(self, address: str, market: Market, amount: int) -> None:
        """Turn pUSD into as many pairs; ValueError when the wallet has less."""
        wallet = self.wallet(address)
        _require(wallet.cash, amount, "pUSD to split")
        wallet.cash -= amount
        for token in market.tokens:
            wallet.add(token, amount)
        self.locked[market.condition_id] += amount

    def merge(self, address: str, market: Market, amount: int) -> None:
        """Turn pairs into as many pUSD; ValueError when the wallet has fewer of one token."""
        wallet = self.wallet(address)
        _require(min(wallet.holds(token) for token in market.tokens), amount, "pairs to merge")
        for token in market.tokens:
            wallet.add(token, -amount)
        wallet.cash += amount
        self.locked[market.condition_id] -= amount

    def convert(self, address: str, market: Market, others: Sequence[Market], amount: int) -> None:
        """Turn NO of a neg-risk outcome into YES of all the others; ValueError when the wallet has less."""
        wallet = self.wallet(address)
        _require(wallet.holds(market.tokens[1]), amount, "NO to convert")
        wallet.add(market.tokens[1], -amount)
        for other in others:
            wallet.add(other.tokens[0], amount)
        self.locked[market.condition_id] -= amount
        self.sets[market.neg_risk_id] += amount
        self.set_money[market.neg_risk_id] += amount

    def settle(self, market: Market) -> None:
        """Give a resolved market the collateral that its payouts need."""
        if market.neg_risk_id and market.payout(market.tokens[0]):
            self.locked[market.condition_id] += self.set_money.pop(market.neg_risk_id, 0)

    def redeem(self, address: str, market: Market) -> int:
        """Turn all tokens of a resolved market into what they are paid; return the pUSD."""
        wallet = self.wallet(address)
        paid = _owed(wallet, market)
        for token in market.tokens:
            wallet.tokens.pop(token, None)
        wallet.cash += paid
        self.locked[market.condition_id] -= paid
        return paid

    def book(self, trade: Trade) -> None:
        """Move money and tokens of a trade, the fee with them."""
        self._move(trade, 1)

    def unbook(self, trade: Trade) -> None:
        """Undo a trade whose settlement failed; a wallet may be short after it, as the venue's then is."""
        self._move(trade, -1)

    def violations(self, markets: list[Market]) -> list[str]:
        """What money and tokens contradict, in words."""
        cash = sum(wallet.cash for wallet in self.wallets.values())
        held = cash + self.fees + self.locked.total() + self.set_money.total()
        found = [] if held == self.deposited else [f"pUSD: deposited {self.deposited}, found {held}"]
        for market in markets:
            found += self._of_resolved(market) if market.is_resolved else self._of_open(market)
        return found

    def _of_open(self, market: Market) -> list[str]:
        locked = self.locked[market.condition_id]
        minted = (locked + self.sets[market.neg_risk_id], locked)
        supplies = [sum(wallet.holds(token) for wallet in self.wallets.values()) for token in market.tokens]
        return [
            f"token {token}: {due} minted, found {supply}"
            for token, due, supply in zip(market.tokens, minted, supplies, strict=True)
            if supply != due
        ]

    def _of_resolved(self, market: Market) -> list[str]:
        owed = sum(_owed(wallet, market) for wallet in self.wallets.values())
        rest = self.locked[market.condition_id] - owed
        if 0 <= rest <= 2 * len(self.wallets):  # halves of a base unit that nobody is paid
            return []
        return [f"market {market.condition_id}: {owed} owed, {owed + rest} locked"]

    def _move(self, trade: Trade, sign: int) -> None:
        market, is_buy = trade.taker.market, trade.taker.ask.is_buy
        for fill in trade.fills:
            self._leg(fill, fill.order, sign)
            self._leg(fill, trade.taker, sign)
            if fill.order.ask.token != trade.taker.ask.token:
                self.locked[market.condition_id] += sign * (fill.shares if is_buy else -fill.shares)
        self.wallet(trade.taker.ask.wallet).cash -= sign * trade.fee
        self.fees += sign * trade.fee

    def _leg(self, fill: MakerFill, order: Order, sign: int) -> None:
        wallet = self.wallet(order.ask.wallet)
        direction = sign if order.ask.is_buy else -sign
        wallet.cash -= direction * fill.own_money(order)
        wallet.add(order.ask.token, direction * fill.shares)


def _require(held: int, amount: int, what: str) -> None:
    if not 0 < amount <= held:
        raise ValueError(f"expected 1 to {held} {what}, found {amount}")


def _owed(wallet: Wallet, market: Market) -> int:
    return sum(wallet.holds(token) * market.payout(token) // ONE_PRICE for token in market.tokens)
