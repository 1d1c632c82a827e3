"""What a report needs to know, written down while the run goes on."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, override

from nautilus_trader.model import (
    InstrumentId,
    LiquiditySide,
    OrderAccepted,
    OrderDenied,
    OrderFilled,
    OrderInitialized,
    OrderRejected,
    PositionClosed,
    Price,
    Quantity,
    QuoteTick,
    StrategyId,
)

from engine import Belief, Companion, Desk, Guard
from markets.instruments import OutcomePair
from research.record import Fill, Forecast, PricePoint, Refusal, Settlement
from risk.ledger import Ledger
from risk.trades import Settlement as Payout
from system.event_log import EventLog, is_settlement

_NS_PER_SEC = 1_000_000_000
_NOTHING = Decimal(0)
_MOVES_MONEY = (OrderFilled, PositionClosed)
_FORECAST_EVERY_NS = 10 * _NS_PER_SEC


class Diary(Companion):
    """The guard's companion: hears what it hears, and keeps it in the words of the report.

    Forecasts are kept at most once in ten seconds for each strategy and market: a strategy that says
    the same with every tick would only make its own score noisier. `evidence` is the class of every fill
    where the mode decides it; else data and instrument do.
    """

    def __init__(
        self,
        guard: Guard,
        ledger: Ledger,
        log: EventLog,
        after_fill: Callable[[int], None],
        *,
        evidence: str | None = None,
    ) -> None:
        super().__init__(guard)
        self._ledger = ledger
        self._log = log
        self._after_fill = after_fill
        self._evidence = evidence
        self._accepted_ns: dict[str, int] = {}
        self._blind_ns: defaultdict[str, list[int]] = defaultdict(list)
        self._forecast_ns: dict[tuple[StrategyId, str], int] = {}
        self._sides: dict[InstrumentId, tuple[OutcomePair, str]] = {}
        self.fills: list[Fill] = []
        self.refusals: list[Refusal] = []
        self.settlements: list[Settlement] = []
        self.forecasts: list[Forecast] = []
        self.prices: list[PricePoint] = []
        self.orders = self.denied = self.rejected = 0

    @override
    def refuse(self, order: Any, quantity: Quantity, price: Price | None, desk: Desk) -> str | None:
        """Return what the guard says; a refusal is written down with the rule's name."""
        reason = self._guard.refuse(order, quantity, price, desk)
        if reason is not None:
            rule, _, words = reason.partition(":")
            strategy, instrument = str(order.strategy_id), str(order.instrument_id)
            self.refusals.append(Refusal(desk.now_ns(), strategy, instrument, rule, words.strip() or reason))
        return reason

    @override
    def hear(self, event: Any, desk: Desk) -> None:
        """Pass an event on to the guard, then write it down."""
        realized = self._ledger.realized_usd if type(event) in _MOVES_MONEY else _NOTHING
        held = self._paid_out(event)
        self._guard.hear(event, desk)
        self._log.write(event)
        match event:
            case OrderFilled():
                self._note_fill(event, self._ledger.realized_usd - realized)
                self._after_fill(event.ts_event)
            case PositionClosed() if held:
                payout, gain = event.last_px.as_decimal(), self._ledger.realized_usd - realized
                self.settlements.append(Settlement(*self._place(event), payout, held, gain))
            case OrderInitialized():
                self.orders += not is_settlement(event)
            case OrderAccepted():
                self._accepted_ns[str(event.client_order_id)] = event.ts_event
            case OrderDenied():
                self.denied += 1
            case OrderRejected():
                self.rejected += 1

    def believed(
        self, strategy_id: StrategyId, instrument_id: InstrumentId, belief: Belief, quote: QuoteTick | None
    ) -> None:
        """Write down what a strategy thinks of YES, and the mid that it could see."""
        market, outcome = self._sides[instrument_id]
        key = strategy_id, market.market
        if outcome != "YES" or belief.at_ns < self._forecast_ns.get(key, 0):
            return
        self._forecast_ns[key] = belief.at_ns + _FORECAST_EVERY_NS
        mid = mid_of(quote) if quote else None
        self.forecasts.append(
            Forecast(belief.at_ns, str(strategy_id), market.market, market.event, belief.probability, mid)
        )

    def meet(self, market: OutcomePair) -> None:
        """Know both sides of a market from now on."""
        self._sides[market.yes.id] = (market, "YES")
        self._sides[market.no.id] = (market, "NO")

    def knows(self, side: InstrumentId) -> bool:
        """Return whether we have met the market of a side."""
        return side in self._sides

    def market_of(self, side: InstrumentId) -> OutcomePair:
        """Return the market that a side belongs to; KeyError for one that we have not met."""
        return self._sides[side][0]

    def note_settlement(self, end: Payout, realized_usd: Decimal) -> None:
        """Write down a payout that no event told of."""
        place = end.outcome
        where = (place.instrument, place.market, place.event)
        self.settlements.append(
            Settlement(end.now_ns, end.strategy, *where, end.payout, end.quantity, realized_usd)
        )

    def blind(self, market: OutcomePair, at_ns: int) -> None:
        """Remember that the recording has a hole: who rested through it has lost its known place."""
        self._blind_ns[market.market].append(at_ns)

    def sample(self, quote: QuoteTick) -> None:
        """Keep a quote of YES for the picture of its market."""
        bid, ask = sides_of(quote)
        self.prices.append(PricePoint(quote.ts_init, self._sides[quote.instrument_id][0].market, bid, ask))

    def evidence(self, event: OrderFilled) -> str:
        """Return the evidence class of a fill."""
        if self._evidence:
            return self._evidence
        market = self.market_of(event.instrument_id)
        accepted_ns = self._accepted_ns.get(str(event.client_order_id), event.ts_event)
        # A replay knows of the holes of a whole window before it runs: one that is still to come hides nothing.
        rested_blind = any(accepted_ns <= at_ns <= event.ts_event for at_ns in self._blind_ns[market.market])
        return evidence_of(market.info, event.liquidity_side != LiquiditySide.MAKER, rested_blind)

    def _paid_out(self, event: Any) -> Decimal:
        """Return what a position still holds in contracts that closes: a live engine tells a payout so, and by no fill."""
        if type(event) is not PositionClosed:
            return _NOTHING
        return self._ledger.quantity(str(event.strategy_id), str(event.instrument_id))

    def _place(self, event: Any) -> tuple[int, str, str, str, str]:
        market = self._sides[event.instrument_id][0]
        return (
            event.ts_event,
            str(event.strategy_id),
            str(event.instrument_id),
            market.market,
            market.event,
        )

    def _note_fill(self, event: OrderFilled, realized_usd: Decimal) -> None:
        outcome = self._sides[event.instrument_id][1]
        common = self._place(event)
        price, quantity = event.last_px.as_decimal(), event.last_qty.as_decimal()
        if is_settlement(event):
            self.settlements.append(Settlement(*common, price, quantity, realized_usd))
            return
        fee = event.commission.as_decimal() if event.commission else Decimal(0)
        self.fills.append(
            Fill(
                *common,
                outcome,
                event.order_side.name,
                quantity,
                price,
                fee,
                event.liquidity_side != LiquiditySide.MAKER,
                self.evidence(event),
            )
        )


def evidence_of(info: Mapping[str, Any], is_taker: bool, rested_blind: bool) -> str:
    """Return the evidence class of a simulated fill (design, section 8).

    A maker's place in the queue is known only from a book *and* trades, without a hole in between.
    """
    if info["recorded_as"] == "synthetic":
        return "S"
    if info["recorded_as"] == "trades":
        return "D"
    if is_taker:
        return "B"
    return "C" if info["has_trades"] and not rested_blind else "D"


def sides_of(quote: QuoteTick) -> tuple[Decimal | None, Decimal | None]:
    """Return bid and ask; an empty side is None."""
    bid = quote.bid_price.as_decimal() if quote.bid_size.raw else None
    ask = quote.ask_price.as_decimal() if quote.ask_size.raw else None
    return bid, ask


def mid_of(quote: QuoteTick) -> Decimal | None:
    """Return the middle between bid and ask, or None while a side is empty."""
    bid, ask = sides_of(quote)
    return None if bid is None or ask is None else (bid + ask) / 2
