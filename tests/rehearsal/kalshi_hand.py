"""The strategy of the joint rehearsals: it listens to everything, and a test tells it what to do."""

from decimal import Decimal
from typing import Any, override

from nautilus_trader.model import (
    BookType,
    ClientId,
    InstrumentId,
    OrderBook,
    OrderSide,
    Price,
    Quantity,
    TimeInForce,
)

from engine import GUARD, Strategy, StrategyConfig
from markets.facts import DataGap, TradeProvenance
from markets.names import Series

SERIES = "KXBTC15M"
GTC, IOC = TimeInForce.GTC, TimeInForce.IOC


class HandConfig(StrategyConfig, frozen=True):
    """Which series to follow."""

    series: list[Series]


class Hand(Strategy[HandConfig]):
    """Listens to everything of every market that it meets; a test tells it what to do."""

    @override
    def on_start(self) -> None:
        self.heard: list[Any] = []
        self.happened: list[Any] = []
        self.met: dict[str, list[Any]] = {}
        self.terms: dict[str, list[Any]] = {}
        self.books: dict[InstrumentId, OrderBook] = {}
        self.answers: list[tuple[str, Any]] = []
        self.wishes: dict[InstrumentId, Decimal] = {}
        self.is_started = True
        self.subscribe_data(DataGap.data_type(f"{SERIES}.KALSHI"), client_id=ClientId("KALSHI"))
        for series in self.config.series:
            self.follow(series)

    @override
    def on_market(self, market) -> None:
        self.met.setdefault(market.info["market"], []).append(market)
        for one in (market.yes.id, market.no.id):
            self.books[one] = OrderBook(one, BookType.L2_MBP)
            self.subscribe_book_deltas(one, BookType.L2_MBP)
            self.subscribe_quotes(one)
            self.subscribe_trades(one)
            self.subscribe_instrument_status(one)
            self.subscribe_instrument_close(one)
            self.subscribe_data(TradeProvenance.data_type(str(one)), client_id=ClientId("KALSHI"))

    def fall_silent(self) -> None:
        """Unsubscribe from everything."""
        for one in self.books:
            self.unsubscribe_book_deltas(one)
            self.unsubscribe_quotes(one)
            self.unsubscribe_trades(one)
            self.unsubscribe_instrument_status(one)

    @override
    def on_terms(self, market) -> None:
        self.terms.setdefault(market.info["market"], []).append(market)

    @override
    def on_book_deltas(self, deltas) -> None:
        if deltas.instrument_id not in self.books:
            return
        self.books[deltas.instrument_id].apply_deltas(deltas)
        self.heard.append(deltas)

    @override
    def on_quote(self, quote) -> None:
        self.heard.append(quote)
        wish = self.wishes.get(quote.instrument_id)
        if wish and quote.ask_size.as_decimal() >= wish:
            del self.wishes[quote.instrument_id]
            self.buy(quote.instrument_id, wish, quote.ask_price.as_decimal(), time_in_force=IOC)

    @override
    def on_trade(self, trade) -> None:
        self.heard.append(trade)

    @override
    def on_instrument_status(self, status) -> None:
        self.heard.append(status)

    @override
    def on_instrument_close(self, close) -> None:
        self.heard.append(close)

    @override
    def on_phase(self, phase) -> None:
        self.heard.append(phase)

    @override
    def on_resolution(self, resolution) -> None:
        self.heard.append(resolution)

    @override
    def on_fact(self, fact) -> None:
        self.heard.append(fact)

    @override
    def on_book(self, book) -> None:
        self.answers.append(("book", book))

    @override
    def on_historical_trades(self, trades) -> None:
        self.answers.append(("trades", trades))

    @override
    def on_historical_bars(self, bars) -> None:
        self.answers.append(("bars", bars))

    @override
    def on_order_event(self, event) -> None:
        self.happened.append(event)

    def send(self, instrument_id, way, size, price, **terms):
        """Send a limit order as it is written, and return its id."""
        order = self.order_factory.limit(
            instrument_id,
            OrderSide.BUY if way == "BUY" else OrderSide.SELL,
            Quantity.from_decimal_dp(Decimal(size), 2),
            Price.from_decimal_dp(Decimal(price), 4),
            exec_algorithm_id=GUARD,
            **({"time_in_force": GTC} | terms),
        )
        self.submit_order(order)
        return order.client_order_id
