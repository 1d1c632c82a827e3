"""Three small markets, a strategy that follows a script, and one call that replays both under some rules."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, override

from nautilus_trader.model import OrderSide, Price, Quantity, QuoteTick, TimeInForce
from tapes import MemoryCatalog, book, strategy
from toy import SECOND, START, market
from toy import book as toy_book

from engine import GUARD, Strategy, StrategyConfig
from markets.facts import Fact
from markets.instruments import OutcomePair
from markets.names import Series
from system.backtest import Backtest, Plan
from system.event_log import EventLog
from system.feed import Feed, Pace, first_versions
from system.loading import load

MARKETS = {name: market(name) for name in ("KXFED-27JAN-C", "KXFED-27JAN-H", "KXCPI-27JAN-T3")}
C, H, T = MARKETS
SERIES = ("kalshi:KXFED-*", "kalshi:KXCPI-*")
SECS = 20

type Act = tuple[float, str, str, str, str]
"""When (seconds after the start), what, on `MARKET:SIDE`, how many contracts, at which price."""


class ScriptConfig(StrategyConfig, frozen=True):
    """What to do, in order of time."""

    series: list[Series]
    acts: list[tuple[float, str, str, str, str]]


class Script(Strategy[ScriptConfig]):
    """Act at the first quote, of whichever market, at or after an act's time."""

    @override
    def on_start(self) -> None:
        self._sides: dict[str, Any] = {}
        self._pairs: dict[Any, OutcomePair] = {}
        self._last: Any = None
        self._due = [(START + round(act[0] * SECOND), *act[1:]) for act in self.config.acts]
        for series in self.config.series:
            self.follow(series)

    @override
    def on_market(self, market: OutcomePair) -> None:
        name = market.info.get("name") or market.info["market"]
        self._sides |= {f"{name}:YES": market.yes.id, f"{name}:NO": market.no.id}
        self._pairs[market.yes.id] = market
        self.subscribe_quotes(market.yes.id)
        self.subscribe_quotes(market.no.id)

    @override
    def on_quote(self, quote: QuoteTick) -> None:
        while self._due and quote.ts_init >= self._due[0][0]:
            _, verb, side, contracts, price = self._due.pop(0)
            getattr(self, f"_{verb}")(self._sides[side], Decimal(contracts), Decimal(price))

    def _buy(self, side: Any, contracts: Decimal, price: Decimal) -> None:
        self._last = self.buy(side, contracts, price, time_in_force=TimeInForce.IOC)

    def _rest(self, side: Any, contracts: Decimal, price: Decimal) -> None:
        self._last = self.buy(side, contracts, price)

    def _post(self, side: Any, contracts: Decimal, price: Decimal) -> None:
        self._last = self.buy(side, contracts, price, post_only=True)

    def _sell(self, side: Any, contracts: Decimal, price: Decimal) -> None:
        self._last = self.sell(side, contracts, price, time_in_force=TimeInForce.IOC)

    def _believe(self, side: Any, contracts: Decimal, price: Decimal) -> None:
        self.believe(self._pairs[side], float(price))

    def _cancel(self, side: Any, contracts: Decimal, price: Decimal) -> None:
        self.cancel_all_orders(side)

    def _modify(self, side: Any, contracts: Decimal, price: Decimal) -> None:
        self.modify_order(self._last.client_order_id, quantity=Quantity.from_decimal_dp(contracts, 2))

    def _raw(self, side: Any, contracts: Decimal, price: Decimal) -> None:
        order = self.order_factory.limit(
            side, OrderSide.BUY, Quantity.from_decimal_dp(contracts, 2), Price.from_decimal_dp(price, 4),
            exec_algorithm_id=GUARD,
        )  # fmt: skip
        self.submit_order(order)


@dataclass
class Tape:
    """Books and quotes; each market is quiet at 0.48 to 0.52 until it is told something else."""

    size: float = 500
    moves: dict[tuple[str, int], tuple[float, float]] = field(default_factory=dict)
    silent: tuple[str, ...] = ()
    late_secs: float = 0
    crossed: bool = False
    facts: tuple[Fact, ...] = ()

    def data(self, markets: Mapping[str, OutcomePair] = MARKETS) -> list[Any]:
        items: list[Any] = [fact.as_data() for fact in self.facts]
        prices = dict.fromkeys(markets, (0.48, 0.52))
        for at in range(SECS):
            for name, pair in markets.items():
                prices[name] = self.moves.get((name, at), prices[name])
                if at == 0 or name not in self.silent:
                    items += self._message(pair, *prices[name], at)
        return items

    def _message(self, pair: Any, bid: float, ask: float, at: int) -> list[Any]:
        deltas, quote = toy_book(bid, ask, at, self.size, pair.yes)
        told = quote.ts_init
        if self.late_secs or self.crossed:
            prices = (ask, bid) if self.crossed else (bid, ask)
            quote = QuoteTick(
                pair.yes.id, Price(prices[0], 4), Price(prices[1], 4), quote.bid_size, quote.ask_size,
                told - round(self.late_secs * SECOND), told,
            )  # fmt: skip
        return [*deltas.deltas, quote]


def play(rules, acts, tape=None, before=None, latency_ms=0, pairs=MARKETS, series=SERIES, **keys):
    """Replay the script under the rules (as a book has them) and return the record."""
    items = (tape or Tape()).data(pairs)
    sides = [side for pair in pairs.values() for side in (pair.yes, pair.no)]
    catalog = MemoryCatalog(sides, items)
    script = strategy("risk_stage:Script", "script-1", series=list(series), acts=[list(act) for act in acts])
    raw = book(script, risk=rules, instruments=series, latency_ms=latency_ms, queue_position=False) | keys
    markets = first_versions(catalog.instruments())
    plan = Plan(load(raw), Path("memory"), markets, catalog.first_ns, catalog.last_ns + 1)
    with EventLog(None) as events:
        one = Backtest(plan, Feed(catalog, markets, Pace()), events)
        if before:
            before(one._crew.guardian)
        return one.run()
