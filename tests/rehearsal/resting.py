"""A strategy that bids once for YES and waits, also over a restart; a node's process imports it."""

from decimal import Decimal

from nautilus_trader.model import TimeInForce

from engine import Strategy, StrategyConfig
from markets.names import Series


class ResterConfig(StrategyConfig, frozen=True):
    """Which series it bids in, and how long a bid is good for; without it until it is cancelled."""

    series: Series
    lasts_secs: float | None = None


class Rester(Strategy[ResterConfig]):
    """Bid 10 at 0.40 in the first market, ever."""

    def on_start(self):
        self._has_bid = getattr(self, "_loaded", False)
        self.follow(self.config.series)

    def on_market(self, market):
        self.subscribe_quotes(market.yes.id)

    def on_quote(self, quote):
        if not self._has_bid and quote.bid_size.raw:
            ends = {}
            if self.config.lasts_secs:
                ends_ns = self.clock.timestamp_ns() + round(self.config.lasts_secs * 1e9)
                ends = {"time_in_force": TimeInForce.GTD, "expire_time": ends_ns}
            bid = self.buy(quote.instrument_id, Decimal(10), Decimal("0.40"), post_only=True, **ends)
            self._has_bid = bid is not None

    def on_order_denied(self, event):
        self._has_bid = False

    def on_save(self):
        return {"has_bid": b"yes"} if getattr(self, "_has_bid", False) else {}

    def on_load(self, state):
        self._loaded = "has_bid" in state


class Hurried(Strategy[ResterConfig]):
    """Buy 5, then offer a tenth of a contract each hundredth of a second, up to the very end."""

    def on_start(self):
        self._side = None
        self.follow(self.config.series)
        self.clock.set_timer_ns("offer", 10_000_000)

    def on_market(self, market):
        self.subscribe_quotes(market.yes.id)

    def on_quote(self, quote):
        if self._side is None and quote.ask_size.raw:
            self._side = quote.instrument_id
            self.buy(self._side, Decimal(5), Decimal("0.60"), time_in_force=TimeInForce.IOC)

    def on_order_denied(self, event):
        self._side = None

    def on_time_event(self, event):
        if self._side and self.cache.positions_open(instrument_id=self._side):
            self.sell(self._side, Decimal("0.10"), Decimal("0.70"))
