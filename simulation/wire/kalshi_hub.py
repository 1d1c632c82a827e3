"""Carries what the engine tells to the subscriptions that asked for it, numbered per sid."""

from collections.abc import Iterable
from typing import Any

import msgspec

from simulation.wire.kalshi_accounts import Pocket
from simulation.wire.kalshi_events import (
    Action,
    BookCleared,
    EventNotice,
    FeeNotice,
    GroupNotice,
    IndexValue,
    MarketNotice,
    Notice,
)
from simulation.wire.kalshi_exchange import Exchange
from simulation.wire.kalshi_frames import (
    delta_body,
    fill_body,
    index_body,
    order_body,
    position_body,
    snapshot_body,
    ticker_body,
    trade_body,
)
from simulation.wire.kalshi_markets import Market
from simulation.wire.kalshi_rows import number
from simulation.wire.kalshi_subscriptions import (
    BOOK,
    FILL,
    GROUPS,
    INDEX,
    LIFE,
    POSITIONS,
    TICKER,
    TRADE,
    USER_ORDERS,
    Subscription,
)
from simulation.wire.kalshi_units import MILLI_NS, count_text

encode = msgspec.json.encode


class Hub:
    """All live subscriptions by channel, and the listener that feeds them."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.subscriptions: dict[str, dict[int, Subscription]] = {}
        self._dirty: dict[str, Market] = {}
        self._ticked_ns: dict[str, int] = {}
        exchange.listeners.append(self.hear)

    def add(self, subscription: Subscription) -> None:
        """Feed a subscription from now on."""
        self.subscriptions.setdefault(subscription.channel, {})[id(subscription)] = subscription

    def drop(self, subscription: Subscription) -> None:
        """Feed it no more."""
        self.subscriptions.get(subscription.channel, {}).pop(id(subscription), None)

    def hear(self, notice: Notice) -> None:
        """Listen to the exchange."""
        if isinstance(notice, Action):
            self._action(notice)
        elif isinstance(notice, BookCleared):
            self._cleared(notice.market)
        elif isinstance(notice, IndexValue):
            self._index(notice)
        elif isinstance(notice, GroupNotice):
            self._group(notice)
        else:
            self._life(notice)

    def envelope(
        self, subscription: Subscription, kind: str, body: bytes, command_id: int | None = None
    ) -> None:
        """Number a message and hand it to its connection."""
        seq = subscription.next_seq()
        head = f'{{"type":"{kind}","sid":{subscription.sid}'
        if command_id is not None:
            head += f',"id":{command_id}'
        if seq is not None:
            head += f',"seq":{seq}'
        if self.exchange.settings.sending_ts:
            head += f',"sending_ts_ms":{self.exchange.now_ns() // MILLI_NS}'
        subscription.send(subscription, f'{head},"msg":'.encode() + body + b"}")

    def snapshot(self, subscription: Subscription, ticker: str, command_id: int | None = None) -> None:
        """Send a whole book; nothing for a market that does not exist."""
        market = self.exchange.markets.get(ticker)
        if market is None:
            return
        subscription.shown.add(ticker)
        clock = self.exchange.clocks.get(market.exchange_index, 0)
        body = snapshot_body(market, clock, use_yes_price=subscription.use_yes_price)
        self.envelope(subscription, "orderbook_snapshot", encode(body), command_id)

    def quote(self, subscription: Subscription, market: Market) -> None:
        """Send one ticker message."""
        self.envelope(subscription, "ticker", encode(ticker_body(market, self.exchange.now_ns())))

    def tick(self) -> None:
        """Send the tickers that are due: at most one per market and interval."""
        now_ns = self.exchange.now_ns()
        interval_ns = self.exchange.settings.ns(self.exchange.settings.ticker_interval_ms)
        ready = [
            market
            for ticker, market in self._dirty.items()
            if now_ns - self._ticked_ns.get(ticker, 0) >= interval_ns
        ]
        for market in ready:
            self._ticker(market)

    def _ticker(self, market: Market) -> None:
        self._dirty.pop(market.ticker, None)
        self._ticked_ns[market.ticker] = self.exchange.now_ns()
        listeners = list(self._of(TICKER, market.ticker))
        body = encode(ticker_body(market, self.exchange.now_ns())) if listeners else b""
        for subscription in listeners:
            self.envelope(subscription, "ticker", body)

    def _of(self, channel: str, ticker: str | None = None) -> Iterable[Subscription]:
        for subscription in list(self.subscriptions.get(channel, {}).values()):
            if ticker is None or subscription.wants(ticker):
                yield subscription

    def _action(self, action: Action) -> None:
        market, ticker = action.market, action.market.ticker
        if action.levels:
            self._dirty[ticker] = market
            self._deltas(action)
            if market.best()[1] == market.best()[3] == 0 and market.close_ns <= action.at_ns:
                self._ticker(market)
        if action.trades:
            bodies = [encode(trade_body(trade)) for trade in action.trades]
            for subscription in self._of(TRADE, ticker):
                for body in bodies:
                    self.envelope(subscription, "trade", body)
        self._private(action)

    def _deltas(self, action: Action) -> None:
        cache: dict[tuple[int, bool], bytes] = {}
        for subscription in self._of(BOOK, action.market.ticker):
            if action.market.ticker not in subscription.shown:
                self.snapshot(subscription, action.market.ticker)
                continue
            scale = subscription.use_yes_price
            for place, change in enumerate(action.levels):
                is_own = change.order is not None and change.order.user == subscription.user
                body = None if is_own else cache.get((place, scale))
                if body is None:
                    shape = delta_body(action, change, use_yes_price=scale, user=subscription.user)
                    body = encode(shape)
                    if not is_own:
                        cache[(place, scale)] = body
                self.envelope(subscription, "orderbook_delta", body)

    def _private(self, action: Action) -> None:
        ticker = action.market.ticker
        for subscription in self._of(USER_ORDERS, ticker):
            for order, reason in [row for row in action.orders if row[0].user == subscription.user]:
                self.envelope(subscription, "user_order", encode(order_body(order, reason)))
        if action.fills:
            self._fills(action, ticker)

    def _fills(self, action: Action, ticker: str) -> None:
        for subscription in self._of(FILL, ticker):
            for fill in [fill for fill in action.fills if fill.user == subscription.user]:
                self.envelope(subscription, "fill", encode(fill_body(fill)))
        for subscription in self._of(POSITIONS, ticker):
            for pocket in [item for item in action.positions.values() if item.key[0] == subscription.user]:
                self._position(subscription, pocket, ticker)

    def _position(self, subscription: Subscription, pocket: Pocket, ticker: str) -> None:
        body = position_body(pocket.key[0], pocket.key[2], ticker, pocket.position(ticker))
        self.envelope(subscription, "market_position", encode(body))

    def _cleared(self, market: Market) -> None:
        for subscription in self._of(BOOK, market.ticker):
            self.snapshot(subscription, market.ticker)
        self._ticker(market)

    def _index(self, value: IndexValue) -> None:
        body = encode(index_body(value))
        for subscription in self._of(INDEX):
            if value.index_id in subscription.indices or "all" in subscription.indices:
                self.envelope(subscription, "cfbenchmarks_value", body)

    def _group(self, notice: GroupNotice) -> None:
        body: dict[str, Any] = {
            "event_type": notice.kind, "order_group_id": notice.group_id, "ts_ms": notice.at_ns // MILLI_NS,
        }  # fmt: skip
        if notice.limit is not None:
            body["contracts_limit_fp"] = count_text(notice.limit)
        for subscription in self._of(GROUPS):
            if subscription.user == notice.user:
                self.envelope(subscription, "order_group_updates", encode(body))

    def _life(self, notice: MarketNotice | FeeNotice | EventNotice) -> None:
        kind, body = _life_body(notice)
        for subscription in self._of(LIFE):
            self.envelope(subscription, kind, encode(body))


def _life_body(notice: MarketNotice | FeeNotice | EventNotice) -> tuple[str, dict[str, Any]]:
    if isinstance(notice, MarketNotice):
        market = notice.market
        body = {"event_type": notice.kind, "market_ticker": market.ticker} | notice.extra
        if notice.kind != "metadata_updated":
            body["exchange_index"] = market.exchange_index
        return "market_lifecycle_v2", body
    event = notice.event
    if isinstance(notice, FeeNotice):
        _, kind, multiplier = event.fee_changes[-1]
        return "event_fee_update", {
            "event_ticker": event.ticker, "fee_type_override": kind, "fee_multiplier_override": number(multiplier),
        }  # fmt: skip
    return "event_lifecycle", {
        "event_ticker": event.ticker, "exchange_index": event.series.exchange_index, "title": event.title,
        "subtitle": "", "collateral_return_type": event.collateral_return_type,
        "series_ticker": event.series.ticker,
    }  # fmt: skip
