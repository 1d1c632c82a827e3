"""One token's book from the market stream, and the proof that nothing of it is missing: its hash.

Source: reference, sections 9.3 and 9.4 (read 2026-11-20): the recipe reproduces 2 of 2 production books of
2026-10-04 and 120 of 120 of 2026-04-16.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha1
from typing import Final

from adapters.polymarket import constants as venue
from adapters.polymarket.messages.market_stream import BookMessage, Level, PriceChange
from adapters.polymarket.messages.numbers import decimal_of
from markets.instruments import PRICE_DIGITS

ONE_DOLLAR: Final = 10**PRICE_DIGITS
_NOTHING: Final = "0"


@dataclass(frozen=True, slots=True)
class Terms:
    """What a hash contains and no stream says, as text: the least size of an order, and neg-risk or not."""

    min_order_size: str
    is_neg_risk: bool


class BrokenBook(ValueError):
    """A message that cannot be about this book, or not any more: it must be fetched again."""


class TokenBook:
    """The levels of one token by price step, with the texts in which the venue sent them.

    Nothing is known before the first `take_book`. `last_price` is the market's, in the token that traded last:
    both books of a market hash the same text.
    """

    def __init__(self, market: str, token_id: str, terms: Terms) -> None:
        self.market = market
        self.token_id = token_id
        self.bids: dict[int, Level] = {}
        self.asks: dict[int, Level] = {}
        self.is_known = False
        self.tick = ""
        self.last_price = ""
        self.at_ms = 0
        self._terms = terms
        self._best_bid, self._best_ask = 0, ONE_DOLLAR

    def take_book(self, book: BookMessage) -> None:
        """Replace everything; BrokenBook for another token, a price that cannot be, or a crossed book."""
        self._must_be_ours(book.asset_id)
        bids = {price_steps(level.price): level for level in book.bids}
        asks = {price_steps(level.price): level for level in book.asks}
        if bids and asks and max(bids) >= min(asks):
            raise BrokenBook(
                f"expected bids below asks of {self.token_id}, found {max(bids)} and {min(asks)}"
            )
        self.bids, self.asks = bids, asks
        self._best_bid, self._best_ask = max(bids, default=0), min(asks, default=ONE_DOLLAR)
        self.tick = book.tick_size or self.tick
        if book.last_trade_price is not None:
            self.last_price = book.last_trade_price
        self.at_ms = int(book.timestamp)
        self.is_known = True

    def take_change(self, change: PriceChange, at_ms: int) -> bool:
        """Set one level; False when it is older than the book, which holds it already.

        The same change again changes nothing: the venue repeats bursts within milliseconds.
        """
        self._must_be_ours(change.asset_id)
        if at_ms < self.at_ms:
            return False
        is_bid, steps = change.side == "BUY", price_steps(change.price)
        levels = self.bids if is_bid else self.asks
        is_there = size_lots(change.size) > 0
        if is_there:
            levels[steps] = Level(change.price, change.size)
        else:
            levels.pop(steps, None)
        if is_bid and steps >= self._best_bid:
            self._best_bid = steps if is_there else max(levels, default=0)
        elif not is_bid and steps <= self._best_ask:
            self._best_ask = steps if is_there else min(levels, default=ONE_DOLLAR)
        self.at_ms = at_ms
        return True

    @property
    def top(self) -> tuple[int, int]:
        """Best bid and ask in price steps; 0 and one dollar stand for an empty side, as the venue writes them."""
        return self._best_bid, self._best_ask

    def agrees_with(self, change: PriceChange) -> bool:
        """Return whether the top is what the last change of a burst says it is; True when it does not say."""
        if change.best_bid is None or change.best_ask is None:
            return True
        return self.top == (_edge_steps(change.best_bid), _edge_steps(change.best_ask))

    def verify(self, wanted: str, other_prices: Iterable[str] = ()) -> bool:
        """Return whether the book hashes to `wanted`, and learn the market's last price from it.

        A trade enters the hash before it is announced: `other_prices` are the last prices that may be the
        one meant, such as the level that was just reduced (`implied_prices`).
        """
        start = sha1(self._hashed().encode(), usedforsecurity=False)
        for price in (self.last_price, *other_prices):
            whole = start.copy()  # the price is the last thing that is hashed
            whole.update(f'{price}"}}'.encode())
            if whole.hexdigest() == wanted:
                self.last_price = price
                return True
        return False

    def hash_with(self, last_price: str) -> str:
        """Return the hash of the book as it stands, if the market last traded at this price."""
        text = f'{self._hashed()}{last_price}"}}'
        return sha1(text.encode(), usedforsecurity=False).hexdigest()

    def lots(self) -> tuple[dict[int, int], dict[int, int]]:
        """Return bids and asks as lots of 0.000001 shares by price step; BrokenBook for a size that cannot be."""
        return (
            {steps: size_lots(level.size) for steps, level in self.bids.items()},
            {steps: size_lots(level.size) for steps, level in self.asks.items()},
        )

    def mirrors(self, other: "TokenBook") -> bool:
        """Return whether the other token's book is this one seen from the other side."""
        bids, asks = self.lots()
        other_bids, other_asks = other.lots()
        return bids == _turned(other_asks) and asks == _turned(other_bids)

    def _hashed(self) -> str:
        is_neg_risk = "true" if self._terms.is_neg_risk else "false"
        return (
            f'{{"market":"{self.market}","asset_id":"{self.token_id}","timestamp":"{self.at_ms}","hash":"",'
            f'"bids":[{_levels(self.bids, False)}],"asks":[{_levels(self.asks, True)}],'
            f'"min_order_size":"{self._terms.min_order_size}","tick_size":"{self.tick}",'
            f'"neg_risk":{is_neg_risk},"last_trade_price":"'
        )

    def _must_be_ours(self, token_id: str) -> None:
        if token_id != self.token_id:
            raise BrokenBook(f"expected a message about token {self.token_id}, found {token_id}")


def implied_prices(change: PriceChange) -> tuple[str, str]:
    """Return the last prices that a reduced level may stand for: its own, and the one of the other token."""
    price = decimal_of(change.price)
    return f"{price:.3f}", f"{1 - price:.3f}"


def _turned(levels: dict[int, int]) -> dict[int, int]:
    return {ONE_DOLLAR - steps: lots for steps, lots in levels.items()}


@lru_cache(maxsize=1 << 14)
def price_steps(price: str) -> int:
    """Return a price in steps of 0.0001 dollars; BrokenBook outside (0, 1) or finer than a step."""
    steps = _edge_steps(price)
    if not 0 < steps < ONE_DOLLAR:
        raise BrokenBook(f"expected a price in (0, 1) dollars, found {price!r}")
    return steps


@lru_cache(maxsize=1 << 13)  # sizes are without end
def size_lots(size: str) -> int:
    """Return a size in lots of 0.000001 shares; BrokenBook below 0 or for a finer one."""
    scaled = decimal_of(size).scaleb(venue.FILL_DECIMALS)
    if scaled % 1 or scaled < 0:
        raise BrokenBook(f"expected a size of at most {venue.FILL_DECIMALS} digits, found {size!r}")
    return int(scaled)


@lru_cache(maxsize=1 << 14)
def _edge_steps(price: str) -> int:
    scaled = decimal_of(price).scaleb(PRICE_DIGITS)
    if scaled % 1:
        raise BrokenBook(f"expected a price of at most {PRICE_DIGITS} digits, found {price!r}")
    return int(scaled)


def _levels(levels: dict[int, Level], is_descending: bool) -> str:
    rows = (levels[steps] for steps in sorted(levels, reverse=is_descending))
    return ",".join(f'{{"price":"{row.price}","size":"{row.size}"}}' for row in rows)
