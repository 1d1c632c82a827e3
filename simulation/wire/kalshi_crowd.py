"""The crowd at Kalshi: rolling 15-minute markets on a made-up index, quotes and takers on every active market."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import override
from zoneinfo import ZoneInfo

from simulation.wire import crowd
from simulation.wire.crowd import average
from simulation.wire.kalshi_control import Control, Listing
from simulation.wire.kalshi_events import IndexValue
from simulation.wire.kalshi_life import Outcome
from simulation.wire.kalshi_markets import ACTIVE, Market
from simulation.wire.kalshi_orders import GTC, IOC, Order, OrderAsk
from simulation.wire.kalshi_units import ONE_PRICE, SECOND_NS

_NEW_YORK = ZoneInfo("America/New_York")


class CrowdSettings(crowd.CrowdSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The same, and the shard on which windows are listed."""

    series: str = "KXBTC15M"
    exchange_index: int = 2


class Crowd(crowd.Crowd[Market, Order]):
    """The participants at a Kalshi double."""

    def __init__(self, control: Control, settings: CrowdSettings, seed: int) -> None:
        self.control = control
        self.exchange = control.exchange
        self.settings = settings
        super().__init__(settings, seed, self.exchange.now_ns)
        self._window: Market | None = None
        for user in (*self.makers, *self.takers):
            for index, _ in self.exchange.settings.shards:
                control.make_trusted(user, index)
        control.life.outcome_of = self.outcome

    def outcome(self, market: Market) -> Outcome | None:
        """Compare the mean of the last 60 seconds before the close with the strike; a tie is yes."""
        strike, close_ns = self.terms(market)
        self.walk()
        fixing = self.fixing(close_ns)
        if strike is None or fixing is None:
            return None
        return ("yes", ONE_PRICE) if fixing >= strike else ("no", 0)

    @override
    def open_markets(self) -> Sequence[Market]:
        return [market for market in self.exchange.markets.values() if market.status == ACTIVE]

    @override
    def terms(self, market: Market) -> tuple[float | None, int]:
        strike = market.facts.get("floor_strike")
        return None if strike is None else float(strike), market.close_ns

    @override
    def name(self, market: Market) -> str:
        return market.ticker

    @override
    def snap(self, market: Market, price: int, *, up: bool) -> int:
        return market.snapped(price, up=up)

    @override
    def place(self, user: str, market: Market, price: int, *, is_bid: bool, at_once: bool) -> Order:
        count = int(self.chance.integers(1, self.settings.largest_count))
        ask = OrderAsk(market.ticker, is_bid, price, count, IOC if at_once else GTC, self_trade="maker")
        return self.exchange.place(user, ask)[0]

    @override
    def rests(self, order: Order) -> bool:
        return order.on_book

    @override
    def cancel(self, order: Order) -> None:
        self.exchange.cancel(order)

    @override
    def publish(self) -> None:
        minute = [row for row in self.seconds if row[0] > self.walked_ns - 60 * SECOND_NS]
        value = IndexValue(
            "BRTI", self.walked_ns, f"{self.seconds[-1][1]:.2f}", average(minute), average(minute)
        )
        self.exchange.tell(value)

    @override
    def roll(self) -> None:
        now_ns, window_ns = self.exchange.now_ns(), self.settings.window_secs * SECOND_NS
        if self._window is not None and now_ns < self._window.close_ns:
            return
        start_ns = now_ns // window_ns * window_ns
        strike = self.fixing(start_ns) or round(self.spot, 2)
        self._window = self.control.list_market(self._listing(start_ns, start_ns + window_ns, strike))
        self.forget_ended()

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
