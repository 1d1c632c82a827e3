"""The crowd at Polymarket: rolling up/down windows on a made-up TWAP, quotes and takers on every open market.

Who wants YES buys YES; who does not buys NO, or sells YES held from before: pairs are minted and merged
all the time. A window is resolved some time after its end, by the mean of the last seconds; a tie is Up
(polymarket.md section 16).
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import Final, override

from simulation.wire import crowd
from simulation.wire.polymarket_errors import VenueError
from simulation.wire.polymarket_exchange import Exchange
from simulation.wire.polymarket_orders import CROWD, SECOND_NS, About, Market, Order, OrderAsk, OrderType
from simulation.wire.polymarket_units import CENT_SHARE, ONE, ONE_PRICE, reserve

_CASH: Final = 10_000_000 * ONE
_LEAST: Final = 5 * ONE
SERIES: Final = {300: "5m", 900: "15m", 3_600: "1h", 14_400: "4h"}


class CrowdSettings(crowd.CrowdSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The same for one asset: how far ahead windows are listed, and how long after its end one is resolved.

    `largest_count` is in hundredths of a share. A series without a name is called as the venue would.
    """

    asset: str = "btc"
    windows_ahead: int = 2
    resolve_secs: float = 5.0
    twap_secs: int = 60
    fee_rate: float = 0.07


class Crowd(crowd.Crowd[Market, Order]):
    """The participants at a Polymarket double."""

    def __init__(self, exchange: Exchange, settings: CrowdSettings, seed: int) -> None:
        super().__init__(settings, seed, exchange.now_ns)
        self.exchange = exchange
        self.settings = settings
        self.strikes: dict[str, float] = {}
        self._numbers = 0
        self._windows: dict[int, Market] = {}
        for user in (*self.makers, *self.takers):
            exchange.ledger.deposit(user, _CASH)

    @override
    def open_markets(self) -> Sequence[Market]:
        return [market for market in self.exchange.markets.values() if market.accepting]

    @override
    def terms(self, market: Market) -> tuple[float | None, int]:
        return self.strikes.get(market.condition_id), market.about.end_ns

    @override
    def name(self, market: Market) -> str:
        return market.condition_id

    @override
    def snap(self, market: Market, price: int, *, up: bool) -> int:
        steps = -(-price // market.tick) if up else price // market.tick
        return min(max(steps * market.tick, market.tick), ONE_PRICE - market.tick)

    @override
    def place(self, user: str, market: Market, price: int, *, is_bid: bool, at_once: bool) -> Order | None:
        size = _LEAST + int(self.chance.integers(0, self.settings.largest_count)) * CENT_SHARE
        yes, no = market.tokens
        token, is_buy, own = (yes, True, price) if is_bid else (no, True, ONE_PRICE - price)
        if (
            self.exchange.ledger.wallet(user).holds(market.other(token)) >= size
        ):  # closing is nearer than opening
            token, is_buy, own = market.other(token), False, ONE_PRICE - own
        order_id = f"0x{self.exchange.chance.getrandbits(256):064x}"
        budget = reserve(own, size) if at_once and is_buy else None
        kind: OrderType = "FAK" if at_once else "GTC"
        ask = OrderAsk(order_id, user, CROWD, token, is_buy, own, size, kind, budget=budget)
        try:
            return self.exchange.place(ask)[0]
        except VenueError:  # nothing to take, too little, or what it holds is on offer already
            return None

    @override
    def rests(self, order: Order) -> bool:
        return order.status == "LIVE"

    @override
    def cancel(self, order: Order) -> None:
        self.exchange.cancel(order)

    @override
    def publish(self) -> None:
        second = self.walked_ns
        for start_ns, market in self._windows.items():
            if start_ns == second:
                self.strikes[market.condition_id] = self.twap(second)

    def twap(self, at_ns: int) -> float:
        """The value of the TWAP stream at a second."""
        return self.fixing(at_ns, self.settings.twap_secs) or round(self.spot, 2)

    @override
    def roll(self) -> None:
        now_ns, window_ns = self.now_ns(), self.settings.window_secs * SECOND_NS
        first_ns = now_ns // window_ns * window_ns
        for start_ns in range(first_ns, first_ns + (self.settings.windows_ahead + 1) * window_ns, window_ns):
            if start_ns not in self._windows:
                self._open(start_ns, start_ns + window_ns)
        for start_ns, market in list(self._windows.items()):
            if market.about.end_ns + int(self.settings.resolve_secs * 1e9) <= now_ns:
                self._resolve(start_ns, market)

    def _open(self, start_ns: int, end_ns: int) -> None:
        asset, secs = self.settings.asset, self.settings.window_secs
        kind = SERIES.get(secs, f"{secs}s")
        slug = f"{asset}-updown-{kind}-{start_ns // SECOND_NS}"
        self._numbers += 1
        about = About(
            self._numbers, f"{asset.upper()} Up or Down {start_ns // SECOND_NS}", slug, slug,
            self.settings.series or f"{asset}-up-or-down-{kind}", start_ns=self.now_ns(), end_ns=end_ns,
            tags=("Crypto", "Up or Down"), twap_secs=self.settings.twap_secs, asset=asset,
        )  # fmt: skip
        draw = self.exchange.chance.getrandbits
        tokens = (str(draw(250)), str(draw(250)))
        market = Market(
            f"0x{draw(256):064x}", tokens, ("Up", "Down"), is_delayed=True, about=about,
            fee_rate=Fraction(str(self.settings.fee_rate)),
        )  # fmt: skip
        self._windows[start_ns] = market
        if start_ns <= self.walked_ns:
            self.strikes[market.condition_id] = self.twap(start_ns)
        self.exchange.list_market(market)

    def _resolve(self, start_ns: int, market: Market) -> None:
        is_up = self.twap(market.about.end_ns) >= self.strikes[market.condition_id]
        self.exchange.resolve(market, market.tokens[0 if is_up else 1])
        del self._windows[start_ns]
        self.forget_ended()
