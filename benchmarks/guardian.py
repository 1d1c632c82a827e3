"""What a verdict costs: the guardian with all rules of each preset, an order that passes them all.

Counted is processor time, since a shared machine takes the processor away in the middle of one.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import numpy as np
from nautilus_trader.model import (
    ClientOrderId,
    InstrumentId,
    OrderSide,
    Price,
    Quantity,
    QuoteTick,
    StrategyId,
    Venue,
)

from benchmarks.figures import Figure, at_most, told
from engine.desk import Belief
from markets.instruments import Instrument, MarketTerms, OutcomePair, PriceRange, make_pair
from risk.contract import contract_of
from risk.guardian import Guardian
from risk.ledger import Ledger
from risk.rules.rule import Rule
from risk.trades import Fill
from system.loading import load
from system.presets import preset_names

_ORDERS = 4_000
_WARM_UP = 200
_START = 1_790_000_000_000_000_000
_SECOND_NS = 1_000_000_000
_FEES = {"since_ns": 0, "taker_rate": "0.07", "maker_rate": "0.0175", "exponent": 1,
         "fee_unit": "0.000001", "cash_unit": "0.0001"}  # fmt: skip
_SIZE = Quantity.from_str("5000.00")
_PRICES = [tuple(map(Price.from_str, both)) for both in (("0.4800", "0.5000"), ("0.4700", "0.4900"))]


@dataclass(slots=True)
class _Order:
    client_order_id: ClientOrderId
    instrument_id: InstrumentId
    quantity: Quantity
    price: Price
    strategy_id: StrategyId = field(default_factory=lambda: StrategyId("bench-1"))
    side: OrderSide = OrderSide.BUY
    is_quote_quantity: bool = False
    is_post_only: bool = False
    filled_qty: Quantity = field(default_factory=lambda: Quantity.from_str("0.00"))


class _Desk:
    """Answers at once, so that only the guardian is measured."""

    def __init__(self, markets: list[OutcomePair]) -> None:
        self.now = _START
        self._sides = {side.id: side for pair in markets for side in (pair.yes, pair.no)}
        self._chance = np.random.default_rng(1)
        self._quotes: dict[InstrumentId, QuoteTick] = {}
        self.pass_second()

    def pass_second(self) -> None:
        """Let a second pass, in which each price may move by a cent."""
        self.now += _SECOND_NS
        for side in self._sides:
            self._quotes[side] = QuoteTick(
                side, *_PRICES[self._chance.integers(2)], _SIZE, _SIZE, self.now, self.now
            )

    def now_ns(self) -> int:
        return self.now

    def instrument(self, instrument_id: InstrumentId) -> Instrument | None:
        return self._sides[instrument_id]

    def quote(self, instrument_id: InstrumentId) -> QuoteTick | None:
        return self._quotes[instrument_id]

    def mark(self, instrument_id: InstrumentId) -> Decimal | None:
        return Decimal("0.48")

    def belief(self, strategy_id: StrategyId, instrument_id: InstrumentId) -> Belief | None:
        return Belief(0.65, self.now)

    def free_cash(self, venue: Venue) -> Decimal | None:
        return Decimal(100_000)


def measure() -> list[Figure]:
    """Return p50 and p99 of a verdict in microseconds, for each preset; the strictest one has a bar."""
    figures = []
    for preset in preset_names():
        rules = [entry.config for entry in load({"name": "bench", "instruments": [], "strategies": [], "risk": [],
                                                 "preset": preset}).risk]  # fmt: skip
        spent = np.array(list(_verdicts(rules))[_WARM_UP:]) / 1_000
        p50, p99 = (float(one) for one in np.percentile(spent, (50, 99)))
        name = f"guardian, preset {preset}, {len(rules)} rules"
        figures += [
            at_most(f"{name}: p50 an order", p50, "us", 100),
            told(f"{name}: p99 an order", p99, "us"),
        ]
    return figures


def _verdicts(rules: list[Rule]) -> Iterator[int]:
    markets = [_market(number) for number in range(4)]
    ledger = Ledger()
    ledger.deposit("KALSHI", Decimal(100_000), _START)
    guardian, desk = Guardian(rules, ledger), _Desk(markets)
    for market in markets:
        guardian.meet(market.market, market.yes.id)
    # Two positions and an order that rests, in other events: every limit has something to add up.
    _rest(guardian, desk, markets[0], "held-1")
    for number in (1, 2):
        _hold(guardian, markets[number], number)
    for number in range(_ORDERS + _WARM_UP):
        desk.pass_second()
        guardian.recheck(desk)  # as the door has it do
        order = _order(markets[3], f"O-{number}")
        before = time.thread_time_ns()
        reason = guardian.refuse(order, order.quantity, order.price, desk)
        yield time.thread_time_ns() - before
        if reason is not None:
            raise RuntimeError(f"expected an order that passes all rules, found {reason}")
        guardian.exposure.close(order.client_order_id)


def _market(number: int) -> OutcomePair:
    return make_pair(
        MarketTerms(
            market=f"BENCH-{number}", venue="KALSHI", series=f"BENCH{number}", event=f"BENCH-{number}", title="",
            opens_ns=_START, closes_ns=_START + 86_400 * _SECOND_NS, known_ns=_START, fees=(_FEES,),
            price_ranges=(PriceRange(Decimal(0), Decimal(1), Decimal("0.01")),),
        )
    )  # fmt: skip


def _order(market: OutcomePair, name: str) -> _Order:
    return _Order(ClientOrderId(name), market.yes.id, Quantity.from_str("20.00"), Price.from_str("0.5000"))


def _rest(guardian: Guardian, desk: _Desk, market: OutcomePair, name: str) -> None:
    order: Any = _order(market, name)
    if reason := guardian.refuse(order, order.quantity, order.price, desk):
        raise RuntimeError(f"expected an order that passes all rules, found {reason}")


def _hold(guardian: Guardian, market: OutcomePair, number: int) -> None:
    outcome = contract_of(market.yes).outcome
    fact = Fill("bench-1", outcome, True, Decimal(20), Decimal("0.5"), Decimal(0), "V", str(number), _START)
    guardian.ledger.post_fill(fact)
