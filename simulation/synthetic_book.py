"""Made-up makers and takers at work in one 15-minute market's book.

Makers keep the touch around what they believe, a moment late; depth thins out away from it. Most
takers trade for reasons of their own, some know the exact value and take what is mispriced.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import batched
from math import exp
from typing import Final

import numpy as np

from simulation.book_tape import BURST_STEP_NS, BookTape
from simulation.bounds import require_between
from simulation.fair_value import Floats, MarketWindow
from simulation.ladder import Change, Ladder
from simulation.moments import Moment

_REMOVAL_NS: Final = 600_000_000
_EMPTY_SNAPSHOT_NS: Final = 6_500_000_000

_DEEPEST = 24
_MOST_CHANGES = 4
_MOST_LEVELS_SWEPT = 4
_POOL = 8_192


@dataclass(frozen=True, slots=True)
class CrowdModel:
    """Who trades, how much and how often.

    `top_contracts` is the typical size of an order at the touch and `depth_levels` the distance over
    which it falls to a third. Of all actions `trade_share` are takers and `cancel_share` cancels; of
    the takers `informed_share` act only when the price is wrong by `informed_margin` dollars at 0.50,
    and by less towards 0 and 1. `take_contracts` is the median size that a taker wants.
    """

    top_contracts: float = 60.0
    depth_levels: float = 8.0
    trade_share: float = 0.06
    cancel_share: float = 0.30
    informed_share: float = 0.35
    informed_margin: float = 0.02
    take_contracts: float = 12.0

    def __post_init__(self) -> None:
        """Refuse shares that are none and sizes below a lot."""
        require_between("top_contracts", self.top_contracts, 1.0, 1e6)
        require_between("depth_levels", self.depth_levels, 1.0, 100.0)
        require_between("trade_share", self.trade_share, 0.0, 0.5)
        require_between("cancel_share", self.cancel_share, 0.0, 0.45)
        require_between("informed_share", self.informed_share, 0.0, 1.0)
        require_between("informed_margin", self.informed_margin, 0.0, 0.5)
        require_between("take_contracts", self.take_contracts, 0.01, 1e6)


class SyntheticBook:
    """The life of one market's book, from its opening snapshot to the empty one after the close."""

    def __init__(
        self,
        model: CrowdModel,
        prices: Sequence[Decimal],
        tape: BookTape,
        ladder: Ladder,
        rng: np.random.Generator,
    ) -> None:
        """`tape` writes down what happens to `ladder`, whose levels have `prices`."""
        self._model = model
        self._prices = [float(price) for price in prices]
        self._tape = tape
        self._ladder = ladder
        self._rng = rng
        self._depth = [exp(-distance / model.depth_levels) for distance in range(_DEEPEST + 1)]
        self._chance = _pool(lambda: rng.random(_POOL))
        self._spread = _pool(lambda: np.exp(0.8 * rng.standard_normal(_POOL)))
        self._distance = _pool(lambda: np.minimum(rng.geometric(0.2, _POOL) - 1.0, _DEEPEST))

    def live(self, window: MarketWindow, knowledge: Iterator[Moment]) -> None:
        """Open with the first moment, act at every other one, then close."""
        first = next(knowledge)
        self._open(first)
        for moment in knowledge:
            self._tape.move_to(moment.time_ns)
            self._act(moment)
        self._close(window.closes_ns)

    def _open(self, moment: Moment) -> None:
        for distance in range(_DEEPEST + 1):
            for is_bid, level in ((True, moment.bid - distance), (False, moment.ask + distance)):
                if 0 <= level < self._ladder.levels and next(self._chance) < 0.9:
                    self._ladder.put(is_bid, level, self._order_size(distance))
        self._tape.move_to(moment.time_ns)
        self._tape.snapshot()

    def _act(self, moment: Moment) -> None:
        chance = next(self._chance)
        is_stale = self._ladder.best_bid > moment.bid or self._ladder.best_ask < moment.ask
        if chance < self._model.trade_share:
            self._take(moment)
        elif is_stale:
            self._follow(moment)
        elif chance < self._model.trade_share + self._model.cancel_share:
            self._cancel()
        else:
            self._place(moment)

    def _follow(self, moment: Moment) -> None:
        # Removals come first, so that the book is not even crossed inside a group.
        for changes in batched(
            (*self._overpriced(moment), *self._missing(moment)), _MOST_CHANGES, strict=False
        ):
            self._write(changes)

    def _overpriced(self, moment: Moment) -> list[Change]:
        ladder = self._ladder
        bids = (Change(True, at, 0) for at in range(ladder.best_bid, moment.bid, -1) if ladder.bids[at])
        asks = (Change(False, at, 0) for at in range(ladder.best_ask, moment.ask) if ladder.asks[at])
        return [*bids, *asks]

    def _missing(self, moment: Moment) -> list[Change]:
        wanted = ((True, moment.bid), (False, moment.ask), (True, moment.bid - 1), (False, moment.ask + 1))
        return [
            Change(is_bid, level, self._order_size(0))
            for is_bid, level in wanted
            if 0 <= level < self._ladder.levels and not self._held(is_bid, level)
        ]

    def _place(self, moment: Moment) -> None:
        is_bid, distance = next(self._chance) < 0.5, int(next(self._distance))
        level = moment.bid - distance if is_bid else moment.ask + distance
        if not 0 <= level < self._ladder.levels:
            return
        held = self._held(is_bid, level)
        size = self._order_size(distance)
        is_crowded = held > 200 * self._model.top_contracts * self._depth[distance]
        self._write([Change(is_bid, level, size if is_crowded else held + size)])

    def _cancel(self) -> None:
        is_bid, distance = next(self._chance) < 0.5, int(next(self._distance))
        level = self._ladder.best_bid - distance if is_bid else self._ladder.best_ask + distance
        if not 0 <= level < self._ladder.levels:
            return
        held = self._held(is_bid, level)
        if held:
            left = next(self._chance) * 2.0 - 1.0
            self._write([Change(is_bid, level, max(0, int(held * left)))])

    def _take(self, moment: Moment) -> None:
        is_informed = next(self._chance) < self._model.informed_share
        is_buy = next(self._chance) < 0.5
        if is_informed:
            margin = 4.0 * self._model.informed_margin * moment.exact * (1.0 - moment.exact)
            is_buy = self._would_buy(moment.exact - margin)
            if not is_buy and not self._would_sell(moment.exact + margin):
                return
        self._sweep(is_buy, self._take_size(), moment.exact if is_informed else None)

    def _would_buy(self, value: float) -> bool:
        ask = self._ladder.best_ask
        return ask < self._ladder.levels and self._prices[ask] < value

    def _would_sell(self, value: float) -> bool:
        bid = self._ladder.best_bid
        return bid >= 0 and self._prices[bid] > value

    def _sweep(self, is_buy: bool, wanted: int, value: float | None) -> None:
        ladder = self._ladder
        prints, changes = list[tuple[int, int]](), list[Change]()
        while wanted and len(changes) < _MOST_LEVELS_SWEPT:
            level = ladder.best_ask if is_buy else ladder.best_bid
            if not 0 <= level < ladder.levels:
                break
            if changes and value is not None and not self._is_worth(is_buy, value):
                break
            held = self._held(not is_buy, level)
            filled = min(wanted, held)
            wanted -= filled
            prints.append((level, filled))
            changes.append(ladder.put(not is_buy, level, held - filled))
        if prints:
            self._tape.trades(prints, is_buy)
            self._tape.group(changes)

    def _is_worth(self, is_buy: bool, value: float) -> bool:
        return self._would_buy(value) if is_buy else self._would_sell(value)

    def _close(self, closes_ns: int) -> None:
        left = self._ladder.occupied()
        times_ns = np.sort(self._rng.integers(closes_ns + BURST_STEP_NS, closes_ns + _REMOVAL_NS, len(left)))
        for at, time_ns in zip(self._rng.permutation(len(left)).tolist(), times_ns.tolist(), strict=True):
            self._tape.move_to(time_ns)
            self._write([left[at]._replace(hundredths=0)])
        self._tape.move_to(closes_ns + _EMPTY_SNAPSHOT_NS)
        self._tape.snapshot()

    def _write(self, changes: Sequence[Change]) -> None:
        self._tape.group([self._ladder.put(*change) for change in changes])
        self._tape.move_to(0)

    def _held(self, is_bid: bool, level: int) -> int:
        return (self._ladder.bids if is_bid else self._ladder.asks)[level]

    def _order_size(self, distance: int) -> int:
        return self._lots(self._model.top_contracts * self._depth[distance] * next(self._spread))

    def _take_size(self) -> int:
        return self._lots(self._model.take_contracts * next(self._spread) ** 1.6)

    def _lots(self, contracts: float) -> int:
        # Of KXBTC15M's trades about 70 % are fractional (recordings of May 2026).
        if next(self._chance) < 0.3:
            return max(1, round(contracts)) * 100
        return max(1, round(contracts * 100))


def _pool(draw: Callable[[], Floats]) -> Iterator[float]:
    while True:
        yield from draw().tolist()
