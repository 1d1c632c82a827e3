"""The life of a market: open, pause, close, empty the book, determine, dispute, settle (kalshi.md section 13).

Times come from the exchange's clock; `advance` does whatever has become due. Openings and closes send
no message, everything else does.
"""

import heapq
from collections.abc import Callable
from functools import partial

from simulation.wire.kalshi_accounts import Payout, Pocket
from simulation.wire.kalshi_calendar import is_trading
from simulation.wire.kalshi_events import BookCleared, MarketNotice
from simulation.wire.kalshi_exchange import Exchange
from simulation.wire.kalshi_markets import (
    ACTIVE,
    AMENDED,
    CLOSED,
    DETERMINED,
    DISPUTED,
    FINALIZED,
    INACTIVE,
    INITIALIZED,
    Market,
)
from simulation.wire.kalshi_orders import Order
from simulation.wire.kalshi_units import ONE_PRICE, SECOND_NS, price_text

Outcome = tuple[str, int]
"""Result word and value of a YES contract in price units."""


class Life:
    """Moves markets through their states and pays them out."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.settings = exchange.settings
        self.outcome_of: Callable[[Market], Outcome | None] = lambda market: None
        self._due: list[tuple[int, int, Callable[[], None]]] = []
        self._was_trading = dict.fromkeys((index for index, _ in self.settings.shards), True)

    def at(self, at_ns: int, step: Callable[[], None]) -> None:
        """Have `step` run when the clock reaches `at_ns`."""
        heapq.heappush(self._due, (at_ns, self.exchange.next_number(), step))

    def advance(self) -> None:
        """Do everything that is due by now."""
        self.exchange.expire()
        self._watch_pauses()
        while self._due and self._due[0][0] <= self.exchange.now_ns():
            heapq.heappop(self._due)[2]()

    def add(self, market: Market) -> None:
        """Follow a new market from now on."""
        self.at(market.open_ns, partial(self._open, market))
        self.at(market.close_ns, partial(self._close, market))

    # -- commands of a rehearsal -----------------------------------------------------------------

    def deactivate(self, ticker: str) -> None:
        """Pause a market; orders that asked for it are cancelled."""
        market = self.exchange.market(ticker)
        self._set(market, INACTIVE)
        self._cancel_where(market, "HaltCancel", lambda order: order.ask.cancel_on_pause)
        self._tell(market, "deactivated", is_deactivated=True)

    def activate(self, ticker: str) -> None:
        """End a pause; reactivation cancels all resting orders."""
        market = self.exchange.market(ticker)
        self._cancel_where(market, "HaltCancel", lambda order: True)
        self._set(market, ACTIVE)
        self._tell(market, "activated", is_deactivated=False)

    def move_close(self, ticker: str, close_ns: int) -> None:
        """Change the close; a closed market with a close in the future trades again."""
        market = self.exchange.market(ticker)
        market.close_ns = close_ns
        self._set(market, market.status)
        self._tell(market, "close_date_updated", close_ts=close_ns // SECOND_NS)
        self.at(close_ns, partial(self._close, market))
        if market.status == CLOSED and close_ns > self.exchange.now_ns():
            self._set(market, ACTIVE)
            self._tell(market, "activated", is_deactivated=False)

    def determine(self, ticker: str, result: str, value: int | None = None) -> None:
        """Name the result: `yes`, `no` or `scalar` with its value in price units (a void is scalar)."""
        market = self.exchange.market(ticker)
        market.result, market.value = result, _value_of(result, value)
        market.determined_ns = self.exchange.now_ns()
        self._set(market, DETERMINED)
        self._tell(
            market, "determined", result=result, settlement_value=price_text(market.value),
            determination_ts=self.exchange.now_ns() // SECOND_NS,
        )  # fmt: skip
        self._start_timer(market)

    def dispute(self, ticker: str) -> None:
        """Stop the timer of a determined market."""
        market = self.exchange.market(ticker)
        market.settle_at_ns = None
        self._set(market, DISPUTED)

    def amend(self, ticker: str, result: str, value: int | None = None) -> None:
        """Change the result of a determined or disputed market and start its timer again."""
        market = self.exchange.market(ticker)
        market.result, market.value = result, _value_of(result, value)
        self._set(market, AMENDED)
        self._tell(
            market, "determined", result=result, settlement_value=price_text(market.value),
            determination_ts=self.exchange.now_ns() // SECOND_NS,
        )  # fmt: skip
        self._start_timer(market)

    # -- steps -----------------------------------------------------------------------------------

    def _open(self, market: Market) -> None:
        if market.status == INITIALIZED:
            self._set(market, ACTIVE)

    def _close(self, market: Market) -> None:
        now_ns = self.exchange.now_ns()
        if market.status not in (ACTIVE, INACTIVE) or market.close_ns > now_ns:
            return
        self._set(market, CLOSED)
        orders = sorted(market.book.orders(), key=lambda order: order.number)
        if market.is_taped:  # its tape empties the book itself
            orders = [order for order in orders if not self.exchange.pocket_of(order).is_trusted]
        steps = self.settings.removal_steps
        for step in range(steps):
            at_ns = now_ns + self.settings.ns(self.settings.removal_ms) * step // steps
            self.at(at_ns, partial(self._remove, market, orders[step::steps]))
        self.at(now_ns + self.settings.ns(self.settings.clear_snapshot_ms), partial(self._clear, market))
        delay_ns = self.settings.ns(max(self.settings.determination_ms, self.settings.removal_ms))
        self.at(now_ns + delay_ns, partial(self._determine_planned, market))

    def _remove(self, market: Market, orders: list[Order]) -> None:
        if market.status == ACTIVE:
            return
        for order in orders:
            if order.on_book:
                self.exchange.cancel(order, "CloseCancel")

    def _clear(self, market: Market) -> None:
        if market.status not in (ACTIVE, INACTIVE):
            self._remove(market, market.book.orders())
            self.exchange.tell(BookCleared(market))

    def _determine_planned(self, market: Market) -> None:
        outcome = self.outcome_of(market)
        if market.status == CLOSED and outcome is not None:
            self.determine(market.ticker, *outcome)

    def _start_timer(self, market: Market) -> None:
        market.settle_at_ns = self.exchange.now_ns() + market.settlement_timer_secs * SECOND_NS
        self.at(market.settle_at_ns, partial(self._settle, market))

    def _settle(self, market: Market) -> None:
        now_ns = self.exchange.now_ns()
        if market.settle_at_ns is None or market.settle_at_ns > now_ns:
            return
        self._cancel_where(market, "CloseCancel", lambda order: True)
        market.settle_at_ns, market.settled_ns = None, now_ns
        self._set(market, FINALIZED)
        for pocket in list(self.exchange.accounts.pockets.values()):
            if market.ticker in pocket.positions:
                self._pay(market, pocket)
        market.open_interest = 0
        self._tell(market, "settled", settled_ts=now_ns // SECOND_NS)

    def _pay(self, market: Market, pocket: Pocket) -> None:
        position, accounts = pocket.positions[market.ticker], self.exchange.accounts
        value = market.value or 0
        gross = position.count * value if position.count > 0 else -position.count * (ONE_PRICE - value)
        unit = self.settings.scalar_payout_unit_micro if market.result == "scalar" else 1
        revenue = gross - gross % unit
        pocket.cash += revenue
        accounts.house += gross - revenue
        number, now_ns = self.exchange.next_number(), self.exchange.now_ns()
        payout = Payout(
            number, pocket.key, market.ticker, market.event.ticker, market.result, value, position.yes_bought,
            position.yes_cost, position.no_bought, position.no_cost, revenue, position.fees, now_ns,
        )  # fmt: skip
        position.realized += revenue - position.exposure
        position.count, position.exposure, position.is_settled = 0, 0, True
        if pocket.is_trusted:
            return
        position.remember(now_ns)
        accounts.payouts.setdefault(pocket.key[0], []).append(payout)

    def _cancel_where(self, market: Market, reason: str, test: Callable[[Order], bool]) -> None:
        for order in sorted(market.book.orders(), key=lambda order: order.number):
            if test(order):
                self.exchange.cancel(order, reason)

    def _watch_pauses(self) -> None:
        for index, was in list(self._was_trading.items()):
            now = is_trading(self.exchange, index)
            self._was_trading[index] = now
            if was and not now:
                self._pause_shard(index)

    def _pause_shard(self, index: int) -> None:
        for market in self.exchange.markets.values():
            if market.exchange_index == index:
                self._cancel_where(market, "HaltCancel", lambda order: order.ask.cancel_on_pause)

    def _set(self, market: Market, status: str) -> None:
        market.status, market.updated_ns = status, self.exchange.now_ns()

    def _tell(self, market: Market, kind: str, **extra: object) -> None:
        self.exchange.tell(MarketNotice(kind, market, extra))


def _value_of(result: str, value: int | None) -> int:
    if result == "scalar":
        if value is None or not 0 <= value <= ONE_PRICE:
            raise ValueError(f"expected a scalar value in price units 0 to {ONE_PRICE}, found {value}")
        return value
    if result not in ("yes", "no"):
        raise ValueError(f"expected yes, no or scalar as result, found {result!r}")
    return ONE_PRICE if result == "yes" else 0
