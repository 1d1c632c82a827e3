"""Make up a run of 15-minute markets, with spot, book, trades and settlement, from one seed.

Evidence class S (design, section 8): tapes are for demos and tests of the machinery, and no result on
them says that a strategy earns money. Every market says `recorded_as="synthetic"`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, Final

import numpy as np
from nautilus_trader.model import BinaryOption

from markets.instruments import make_pair
from simulation.book_tape import BookTape
from simulation.bounds import require_between
from simulation.fair_value import MakerView, MarketWindow, fair_values
from simulation.ladder import Ladder, tick_prices
from simulation.moments import action_times, moments
from simulation.spot_path import FIXING_SECS, SECOND_NS, SpotModel, SpotPath, SpotStretch, fixing_cents
from simulation.synthetic_book import CrowdModel, SyntheticBook
from simulation.synthetic_market import MARKET_NS, TAPERED, OracleName, life, market_terms, oracle_prices

_MILLISECOND_NS = 1_000_000
_TAIL_NS = 2 * FIXING_SECS * SECOND_NS
_PRICES: Final = tick_prices(TAPERED)
_SPOT_STREAM, _BOOK_STREAM = 0, 1


@dataclass(frozen=True, slots=True)
class GeneratorSettings:
    """What to make up; equal settings give equal tapes to the byte.

    `start_ns` is the opening of the first market, on a quarter of an hour UTC. `events_per_second` is
    the mean number of actions in a market's book: each makes about 1.5 rows of deltas, quotes and
    trades, so that the default is 18,000 rows a market and 440,000 in all. Rows become known
    `spot_latency_ms` or `book_latency_ms` after they happened. The spot path depends on `seed`,
    `start_ns` and `spot` only, so books can be compared over one path. `oracle` names its prints.
    """

    seed: int = 7
    start_ns: int = 1_788_220_800_000_000_000  # 2026-09-01 00:00 UTC
    markets: int = 24
    events_per_second: float = 12.0
    spot: SpotModel = field(default_factory=SpotModel)
    makers: MakerView = field(default_factory=MakerView)
    crowd: CrowdModel = field(default_factory=CrowdModel)
    oracle: OracleName = field(default_factory=OracleName)
    spot_latency_ms: int = 40
    book_latency_ms: int = 20

    def __post_init__(self) -> None:
        """Refuse what cannot be generated."""
        require_between("seed", self.seed, 0, 2**63 - 1)
        require_between("start_ns", self.start_ns, MARKET_NS, 4 * 10**18)
        if self.start_ns % MARKET_NS:
            raise ValueError(f"expected start_ns on a quarter of an hour UTC, found {self.start_ns}")
        require_between("markets", self.markets, 1, 40_000)
        require_between("events_per_second", self.events_per_second, 0.01, 1_000.0)
        require_between("spot_latency_ms", self.spot_latency_ms, 0, 5_000)
        require_between("book_latency_ms", self.book_latency_ms, 0, 5_000)


@dataclass(frozen=True, slots=True)
class MarketTape:
    """One market: YES and NO, and all rows about it in the order of `ts_init`.

    Rows are deltas, quotes and trades of YES, and facts in their envelopes. The spot prints from the
    opening to the close are here (and the minute before, on the first tape), the resolution too,
    although it is known only when the next market is already open.
    """

    instruments: tuple[BinaryOption, BinaryOption]
    data: list[Any]


def generate(settings: GeneratorSettings) -> Iterator[MarketTape]:
    """Yield one tape a market in order of time, holding one in memory."""
    first_ns = settings.start_ns - FIXING_SECS * SECOND_NS
    path = SpotPath(settings.spot, np.random.default_rng((settings.seed, _SPOT_STREAM)), first_ns)
    prints = path.advance(settings.start_ns)
    told_ns, strike = first_ns, fixing_cents(prints, settings.start_ns)
    for opens_ns in range(settings.start_ns, settings.start_ns + settings.markets * MARKET_NS, MARKET_NS):
        window = MarketWindow(opens_ns, opens_ns + MARKET_NS, strike)
        prints = prints.since(opens_ns - _TAIL_NS).followed_by(path.advance(window.closes_ns))
        fixing = fixing_cents(prints, window.closes_ns)
        yield _tape(settings, window, prints, told_ns, fixing)
        told_ns, strike = window.closes_ns, fixing


def _tape(
    settings: GeneratorSettings, window: MarketWindow, prints: SpotStretch, told_ns: int, fixing: int
) -> MarketTape:
    pair = make_pair(market_terms(window))
    spot_late_ns = settings.spot_latency_ms * _MILLISECOND_NS
    book_late_ns = settings.book_latency_ms * _MILLISECOND_NS
    facts = [
        *oracle_prices(prints.since(told_ns), spot_late_ns, settings.oracle),
        *life(window, fixing, book_late_ns),
    ]
    ladder = Ladder(len(_PRICES))
    book = BookTape(pair.yes, ladder, _PRICES, book_late_ns)
    _trade(settings, window, prints, book, ladder)
    # The sort is stable: at one time facts come first, and a trade stays before the group it causes.
    return MarketTape((pair.yes, pair.no), sorted([*facts, *book.rows], key=attrgetter("ts_init")))


def _trade(
    settings: GeneratorSettings, window: MarketWindow, prints: SpotStretch, book: BookTape, ladder: Ladder
) -> None:
    rng = np.random.default_rng((settings.seed, _BOOK_STREAM, window.opens_ns))
    fair = fair_values(prints, window, settings.makers, rng)
    times_ns = action_times(window, settings.events_per_second, rng)
    lag_ns = round(settings.makers.lag_ms * _MILLISECOND_NS)
    knowledge = moments(times_ns, fair, window, np.asarray([float(price) for price in _PRICES]), lag_ns)
    SyntheticBook(settings.crowd, _PRICES, book, ladder, rng).live(window, knowledge)
