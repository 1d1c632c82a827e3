"""Made-up participants who make books move: a spot price walks, fair values follow, makers quote, takers hit.

All chance comes from one seed and all time from the venue's clock. Evidence class S: it shows that
machinery works and says nothing about money. Venue-neutral: prices are whole numbers of 1e-4.
"""

import asyncio
import math
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
import numpy as np

_YEAR_SECS: Final = 365 * 86_400
_SECOND_NS: Final = 1_000_000_000
_ONE: Final = 10_000


class CrowdSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How many act, how often, how well they see.

    `events_per_second` counts decisions (a quote is up to one cancel and one order). `window_secs` above 0
    keeps listing consecutive up/down markets of that length in series `series`, each strike the previous
    fixing.
    """

    events_per_second: float = 20.0
    makers: int = 4
    takers: int = 3
    taker_share: float = 0.15
    levels: int = 6
    half_spread: int = 120
    noise: float = 0.01
    largest_count: int = 5_000
    start_spot: float = 68_000.0
    annual_volatility: float = 0.5
    window_secs: int = 0
    series: str = ""


class Crowd[M, O](ABC):
    """The participants and the index that they watch; a venue says how its markets and orders are reached."""

    def __init__(self, settings: CrowdSettings, seed: int, now_ns: Callable[[], int]) -> None:
        self.manner = settings
        self.now_ns = now_ns
        self.chance = np.random.default_rng(seed)
        self.spot = settings.start_spot
        self.events = 0
        self.seconds: deque[tuple[int, float]] = deque(maxlen=900)
        self.quotes: dict[tuple[str, str, bool], deque[O]] = {}
        self.walked_ns = now_ns()
        self.makers = [f"maker{number}" for number in range(settings.makers)]
        self.takers = [f"taker{number}" for number in range(settings.takers)]

    async def run(self) -> None:
        """Act at the chosen rate until cancelled, catching up after delays of less than a second."""
        done = 0.0
        started_ns = self.now_ns()
        while True:
            elapsed_secs = (self.now_ns() - started_ns) / _SECOND_NS
            due = min(elapsed_secs * self.manner.events_per_second - done, self.manner.events_per_second)
            for _ in range(int(due)):
                self.step()
            done += int(due)
            await asyncio.sleep(0.01)

    def step(self) -> None:
        """One decision of one participant in one market."""
        self.walk()
        if self.manner.window_secs:
            self.roll()
        markets = self.open_markets()
        if not markets:
            return
        market = markets[int(self.chance.integers(len(markets)))]
        self.events += 1
        if self.chance.random() < self.manner.taker_share:
            self._take(market)
        else:
            self._quote(market)

    def walk(self) -> None:
        """Bring the spot price up to the clock, and publish the index for every whole second passed."""
        now_ns = self.now_ns()
        while (self.walked_ns // _SECOND_NS + 1) * _SECOND_NS <= now_ns:
            self._move((self.walked_ns // _SECOND_NS + 1) * _SECOND_NS)
            self.seconds.append((self.walked_ns, round(self.spot, 2)))
            self.publish()
        self._move(now_ns)

    def fair(self, market: M) -> float:
        """The probability that the walk ends at or above the strike; one half without a strike."""
        strike, close_ns = self.terms(market)
        left_secs = max((close_ns - self.now_ns()) / _SECOND_NS, 1.0)
        if not strike:
            return 0.5
        sigma = self.manner.annual_volatility * math.sqrt(left_secs / _YEAR_SECS)
        return 0.5 * (1 + math.erf(math.log(self.spot / strike) / (sigma * math.sqrt(2))))

    def fixing(self, at_ns: int, span_secs: int = 60) -> float | None:
        """The mean of the seconds up to a moment, None when none was seen."""
        values = [value for second, value in self.seconds if at_ns - span_secs * _SECOND_NS < second <= at_ns]
        return round(sum(values) / len(values), 2) if values else None

    # -- what a venue says -----------------------------------------------------------------------

    @abstractmethod
    def open_markets(self) -> Sequence[M]:
        """Where one may trade now."""

    @abstractmethod
    def terms(self, market: M) -> tuple[float | None, int]:
        """Strike, None when there is none, and the close in nanoseconds."""

    @abstractmethod
    def name(self, market: M) -> str:
        """What a market is called."""

    @abstractmethod
    def snap(self, market: M, price: int, *, up: bool) -> int:
        """The nearest valid price in a direction."""

    @abstractmethod
    def place(self, user: str, market: M, price: int, *, is_bid: bool, at_once: bool) -> O | None:
        """Send an order that rests, or one that trades at once or dies; None when the venue refuses."""

    @abstractmethod
    def rests(self, order: O) -> bool:
        """Whether an order is on the book."""

    @abstractmethod
    def cancel(self, order: O) -> None:
        """Take a resting order off."""

    @abstractmethod
    def roll(self) -> None:
        """List the windows that are due."""

    @abstractmethod
    def publish(self) -> None:
        """Tell the venue's listeners the second that was just added."""

    # -- what participants do --------------------------------------------------------------------

    def _move(self, to_ns: int) -> None:
        secs = (to_ns - self.walked_ns) / _SECOND_NS
        if secs > 0:
            sigma = self.manner.annual_volatility * math.sqrt(secs / _YEAR_SECS)
            self.spot *= math.exp(sigma * float(self.chance.standard_normal()) - sigma * sigma / 2)
            self.walked_ns = to_ns

    def _price(self, market: M) -> float:
        seen = self.fair(market) + self.manner.noise * float(self.chance.standard_normal())
        return min(max(seen, 0.0), 1.0) * _ONE

    def _quote(self, market: M) -> None:
        user = self.makers[int(self.chance.integers(len(self.makers)))]
        is_bid = bool(self.chance.random() < 0.5)
        away = self.manner.half_spread * (1 + float(self.chance.exponential()))
        price = self.snap(market, round(self._price(market) + (-away if is_bid else away)), up=not is_bid)
        own = self.quotes.setdefault((user, self.name(market), is_bid), deque())
        while own and (not self.rests(own[0]) or len(own) >= self.manner.levels):
            oldest = own.popleft()
            if self.rests(oldest):
                self.cancel(oldest)
        order = self.place(user, market, price, is_bid=is_bid, at_once=False)
        if order is not None:
            own.append(order)

    def _take(self, market: M) -> None:
        user = self.takers[int(self.chance.integers(len(self.takers)))]
        is_bid = bool(self.chance.random() < 0.5)
        reach = self.manner.half_spread * 2 * float(self.chance.exponential())
        price = self.snap(market, round(self._price(market) + (reach if is_bid else -reach)), up=is_bid)
        self.place(user, market, price, is_bid=is_bid, at_once=True)

    def forget_ended(self) -> None:
        """Drop the quotes of markets that trade no more."""
        self.quotes = {key: own for key, own in self.quotes.items() if own and self.rests(own[-1])}


def average(rows: Sequence[tuple[int, float]]) -> dict[str, Any]:
    """The mean of seconds with the window that it covers, as an index states it."""
    mean = sum(value for _, value in rows) / len(rows)
    return {
        "value": f"{mean:.8f}", "window_size": len(rows), "window_start_ts_ms": rows[0][0] // 1_000_000,
        "window_end_ts_exclusive": rows[-1][0] // 1_000_000 + 1_000,
    }  # fmt: skip
