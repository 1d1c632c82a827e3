"""Made-up participants who make books move: a spot price walks, fair values follow, makers quote, takers hit.

All chance comes from one seed and all time from the exchange's clock. Evidence class S: it shows that
machinery works and says nothing about money.
"""

import asyncio
import math
from collections import deque
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from simulation.wire.kalshi_control import Control, Listing
from simulation.wire.kalshi_events import IndexValue
from simulation.wire.kalshi_life import Outcome
from simulation.wire.kalshi_markets import ACTIVE, Market
from simulation.wire.kalshi_orders import GTC, IOC, Order, OrderAsk
from simulation.wire.kalshi_units import MILLI_NS, ONE_PRICE, SECOND_NS

_YEAR_SECS = 365 * 86_400
_NEW_YORK = ZoneInfo("America/New_York")


class CrowdSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How many act, how often, how well they see.

    `events_per_second` counts decisions (a quote is up to one cancel and one order). `window_secs` above 0
    keeps listing consecutive up/down markets of that length in series `series`, each strike the previous
    fixing, as KXBTC15M does.
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
    series: str = "KXBTC15M"
    exchange_index: int = 2


class Crowd:
    """The participants and the index that they watch."""

    def __init__(self, control: Control, settings: CrowdSettings, seed: int) -> None:
        self.control = control
        self.exchange = control.exchange
        self.settings = settings
        self.chance = np.random.default_rng(seed)
        self.spot = settings.start_spot
        self.events = 0
        self.seconds: deque[tuple[int, float]] = deque(maxlen=900)
        self._quotes: dict[tuple[str, str, bool], deque[Order]] = {}
        self._walked_ns = self.exchange.now_ns()
        self._window: Market | None = None
        self._makers = [f"maker{number}" for number in range(settings.makers)]
        self._takers = [f"taker{number}" for number in range(settings.takers)]
        for user in (*self._makers, *self._takers):
            for index, _ in self.exchange.settings.shards:
                control.make_trusted(user, index)
        control.life.outcome_of = self.outcome

    async def run(self) -> None:
        """Act at the chosen rate until cancelled, catching up after delays of less than a second."""
        done = 0.0
        started_ns = self.exchange.now_ns()
        while True:
            elapsed_secs = (self.exchange.now_ns() - started_ns) / SECOND_NS
            due = min(elapsed_secs * self.settings.events_per_second - done, self.settings.events_per_second)
            for _ in range(int(due)):
                self.step()
            done += int(due)
            await asyncio.sleep(0.01)

    def step(self) -> None:
        """One decision of one participant in one market."""
        self.walk()
        self._roll()
        markets = [market for market in self.exchange.markets.values() if market.status == ACTIVE]
        if not markets:
            return
        market = markets[int(self.chance.integers(len(markets)))]
        self.events += 1
        if self.chance.random() < self.settings.taker_share:
            self._take(market)
        else:
            self._quote(market)

    def walk(self) -> None:
        """Bring the spot price up to the clock, and publish the index for every whole second passed."""
        now_ns = self.exchange.now_ns()
        while (self._walked_ns // SECOND_NS + 1) * SECOND_NS <= now_ns:
            self._move((self._walked_ns // SECOND_NS + 1) * SECOND_NS)
            self.seconds.append((self._walked_ns, round(self.spot, 2)))
            self._publish()
        self._move(now_ns)

    def fair(self, market: Market) -> float:
        """The probability that the walk ends at or above the strike; one half without a strike."""
        strike = market.facts.get("floor_strike")
        left_secs = max((market.close_ns - self.exchange.now_ns()) / SECOND_NS, 1.0)
        if not strike:
            return 0.5
        sigma = self.settings.annual_volatility * math.sqrt(left_secs / _YEAR_SECS)
        return 0.5 * (1 + math.erf(math.log(self.spot / float(strike)) / (sigma * math.sqrt(2))))

    def outcome(self, market: Market) -> Outcome | None:
        """Compare the mean of the last 60 seconds before the close with the strike; a tie is yes."""
        strike = market.facts.get("floor_strike")
        self.walk()
        values = [
            value
            for at_ns, value in self.seconds
            if market.close_ns - 60 * SECOND_NS < at_ns <= market.close_ns
        ]
        if strike is None or not values:
            return None
        is_yes = round(sum(values) / len(values), 2) >= float(strike)
        return ("yes", ONE_PRICE) if is_yes else ("no", 0)

    def _move(self, to_ns: int) -> None:
        secs = (to_ns - self._walked_ns) / SECOND_NS
        if secs > 0:
            sigma = self.settings.annual_volatility * math.sqrt(secs / _YEAR_SECS)
            self.spot *= math.exp(sigma * float(self.chance.standard_normal()) - sigma * sigma / 2)
            self._walked_ns = to_ns

    def _publish(self) -> None:
        minute = [row for row in self.seconds if row[0] > self._walked_ns - 60 * SECOND_NS]
        value = IndexValue(
            "BRTI", self._walked_ns, f"{self.seconds[-1][1]:.2f}", _average(minute), _average(minute)
        )
        self.exchange.tell(value)

    def _price(self, market: Market) -> float:
        seen = self.fair(market) + self.settings.noise * float(self.chance.standard_normal())
        return min(max(seen, 0.0), 1.0) * ONE_PRICE

    def _quote(self, market: Market) -> None:
        user = self._makers[int(self.chance.integers(len(self._makers)))]
        is_bid = bool(self.chance.random() < 0.5)
        away = self.settings.half_spread * (1 + float(self.chance.exponential()))
        price = market.snapped(round(self._price(market) + (-away if is_bid else away)), up=not is_bid)
        own = self._quotes.setdefault((user, market.ticker, is_bid), deque())
        while own and (not own[0].on_book or len(own) >= self.settings.levels):
            oldest = own.popleft()
            if oldest.on_book:
                self.exchange.cancel(oldest)
        own.append(self._place(user, market, is_bid=is_bid, price=price, tif=GTC))

    def _take(self, market: Market) -> None:
        user = self._takers[int(self.chance.integers(len(self._takers)))]
        is_bid = bool(self.chance.random() < 0.5)
        reach = self.settings.half_spread * 2 * float(self.chance.exponential())
        price = market.snapped(round(self._price(market) + (reach if is_bid else -reach)), up=is_bid)
        self._place(user, market, is_bid=is_bid, price=price, tif=IOC)

    def _place(self, user: str, market: Market, *, is_bid: bool, price: int, tif: str) -> Order:
        count = int(self.chance.integers(1, self.settings.largest_count))
        ask = OrderAsk(market.ticker, is_bid, price, count, tif, self_trade="maker")
        return self.exchange.place(user, ask)[0]

    def _roll(self) -> None:
        if not self.settings.window_secs:
            return
        now_ns, window_ns = self.exchange.now_ns(), self.settings.window_secs * SECOND_NS
        if self._window is not None and now_ns < self._window.close_ns:
            return
        start_ns = now_ns // window_ns * window_ns
        values = [value for at_ns, value in self.seconds if start_ns - 60 * SECOND_NS < at_ns <= start_ns]
        strike = round(sum(values) / len(values), 2) if values else round(self.spot, 2)
        self._window = self.control.list_market(self._listing(start_ns, start_ns + window_ns, strike))
        self._quotes = {key: own for key, own in self._quotes.items() if own and own[-1].on_book}

    def _listing(self, open_ns: int, close_ns: int, strike: float) -> Listing:
        close = datetime.fromtimestamp(close_ns // SECOND_NS, UTC).astimezone(_NEW_YORK)
        stamp = close.strftime("%y%b%d%H%M").upper()
        tail = close.strftime("%M") if self.settings.window_secs % 60 == 0 else close.strftime("%M%S")
        event = f"{self.settings.series}-{stamp}" + (
            "" if self.settings.window_secs % 60 == 0 else close.strftime("%S")
        )
        facts = {"strike_type": "greater_or_equal", "floor_strike": strike}
        return Listing(
            f"{event}-{tail}", event, self.settings.series, open_ns, close_ns, "tapered_deci_cent",
            exchange_index=self.settings.exchange_index, facts=facts,
        )  # fmt: skip


def _average(rows: list[tuple[int, float]]) -> dict[str, Any]:
    mean = sum(value for _, value in rows) / len(rows)
    return {
        "value": f"{mean:.8f}", "window_size": len(rows), "window_start_ts_ms": rows[0][0] // MILLI_NS,
        "window_end_ts_exclusive": rows[-1][0] // MILLI_NS + 1_000,
    }  # fmt: skip
