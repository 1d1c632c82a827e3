"""The price ladder and the order book of one synthetic market, in whole numbers.

Prices are indices into the ladder, sizes are hundredths of a contract: the book can be crossed or
off its grid only by a wrong index, and `Ladder.put` refuses those.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from markets.instruments import PriceRange


class Change(NamedTuple):
    """A level of the book now holds `hundredths`; 0 removes it."""

    is_bid: bool
    level: int
    hundredths: int


def tick_prices(ranges: Iterable[PriceRange]) -> tuple[Decimal, ...]:
    """Return every price at which a market with these ranges can trade, ascending, without 0 and 1."""
    ticks = {
        part.start + step * part.step
        for part in ranges
        for step in range(int((part.end - part.start) / part.step) + 1)
    }
    return tuple(sorted(tick for tick in ticks if 0 < tick < 1))


class Ladder:
    """Sizes on both sides by level; the best bid is always below the best ask.

    Without bids `best_bid` is -1, without asks `best_ask` is the number of levels.
    """

    def __init__(self, levels: int) -> None:
        self.levels = levels
        self.bids = [0] * levels
        self.asks = [0] * levels
        self.best_bid = -1
        self.best_ask = levels

    def put(self, is_bid: bool, level: int, hundredths: int) -> Change:
        """Set the size of one level and return the change; ValueError when that would cross the book."""
        if hundredths < 0 or not 0 <= level < self.levels:
            raise ValueError(
                f"expected a size from 0 and a level of the ladder, found {hundredths} at {level}"
            )
        if is_bid:
            self._put_bid(level, hundredths)
        else:
            self._put_ask(level, hundredths)
        return Change(is_bid, level, hundredths)

    def occupied(self) -> list[Change]:
        """Return every level that holds something, as the changes that would build this book."""
        return [
            Change(is_bid, level, hundredths)
            for is_bid, side in ((True, self.bids), (False, self.asks))
            for level, hundredths in enumerate(side)
            if hundredths
        ]

    def _put_bid(self, level: int, hundredths: int) -> None:
        if hundredths and level >= self.best_ask:
            raise ValueError(f"expected a bid below ask level {self.best_ask}, found one at {level}")
        self.bids[level] = hundredths
        if hundredths:
            self.best_bid = max(self.best_bid, level)
            return
        while self.best_bid >= 0 and not self.bids[self.best_bid]:
            self.best_bid -= 1

    def _put_ask(self, level: int, hundredths: int) -> None:
        if hundredths and level <= self.best_bid:
            raise ValueError(f"expected an ask above bid level {self.best_bid}, found one at {level}")
        self.asks[level] = hundredths
        if hundredths:
            self.best_ask = min(self.best_ask, level)
            return
        while self.best_ask < self.levels and not self.asks[self.best_ask]:
            self.best_ask += 1
