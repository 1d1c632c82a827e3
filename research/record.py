"""What a replay hands to its report: plain records, checked when they are made.

Times are nanoseconds since the epoch. Money, prices and sizes are `Decimal`; a price is quote currency
per contract; a probability is a float in [0, 1]. Whatever cannot be true (NaN, an unknown class, a
size of nothing) raises ValueError here, so that no statistic ever meets it.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

EVIDENCE_CLASSES: Mapping[str, str] = {
    "A": "filled at a real venue",
    "B": "taker against book depth at that moment, after latency",
    "C": "maker, queue position known from book and trades",
    "D": "inferred from trades or candles only, no book",
    "S": "synthetic data",
}
"""What a simulated fill rests on (design, section 8)."""

PROMOTABLE = frozenset("ABC")
"""Classes on which a decision about capital may rest; D and S never promote."""

_SIDES = ("BUY", "SELL")


@dataclass(frozen=True, slots=True)
class Fill:
    """One fill of one order; `fee_usd` is negative when the venue pays a rebate."""

    ts_ns: int
    strategy: str
    instrument: str
    market: str
    event: str
    outcome: str
    side: str
    quantity: Decimal
    price: Decimal
    fee_usd: Decimal
    is_taker: bool
    evidence: str

    def __post_init__(self) -> None:
        _need(self.side in _SIDES, "BUY or SELL", self.instrument, self.side)
        _need(
            self.evidence in EVIDENCE_CLASSES,
            "an evidence class of A, B, C, D, S",
            self.instrument,
            self.evidence,
        )
        _need(_is_positive(self.quantity), "a quantity above 0", self.instrument, self.quantity)
        _need(_is_positive(self.price), "a price above 0", self.instrument, self.price)
        _need(self.fee_usd.is_finite(), "a finite fee", self.instrument, self.fee_usd)


@dataclass(frozen=True, slots=True)
class Refusal:
    """An order that a risk rule did not let pass, with the rule's reason."""

    ts_ns: int
    strategy: str
    instrument: str
    rule: str
    reason: str


@dataclass(frozen=True, slots=True)
class Settlement:
    """A position that its market paid out; `payout` is per contract of this instrument, 0 to 1."""

    ts_ns: int
    strategy: str
    instrument: str
    market: str
    event: str
    payout: Decimal
    quantity: Decimal
    realized_usd: Decimal

    def __post_init__(self) -> None:
        _need(_is_share(self.payout), "a payout in [0, 1]", self.instrument, self.payout)
        _need(self.realized_usd.is_finite(), "a finite result", self.instrument, self.realized_usd)


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a strategy believed of YES, and the YES mid that it could see then (None: no two sides)."""

    ts_ns: int
    strategy: str
    market: str
    event: str
    probability: float
    market_mid: Decimal | None

    def __post_init__(self) -> None:
        # NaN fails the comparison too.
        _need(0.0 <= self.probability <= 1.0, "a probability in [0, 1]", self.market, self.probability)
        _need(_is_share_or_none(self.market_mid), "a mid in [0, 1]", self.market, self.market_mid)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What YES of a market paid in the end, 0 to 1."""

    market: str
    event: str
    payout: Decimal

    def __post_init__(self) -> None:
        _need(_is_share(self.payout), "a payout in [0, 1]", self.market, self.payout)


@dataclass(frozen=True, slots=True)
class PricePoint:
    """A sample of the YES quote; a side is None when it is empty."""

    ts_ns: int
    market: str
    bid: Decimal | None
    ask: Decimal | None

    def __post_init__(self) -> None:
        _need(_is_share_or_none(self.bid), "a bid in [0, 1]", self.market, self.bid)
        _need(_is_share_or_none(self.ask), "an ask in [0, 1]", self.market, self.ask)


@dataclass(frozen=True, slots=True)
class EquityPoint:
    """Cash plus open positions at their marks, and the cash alone."""

    ts_ns: int
    equity_usd: Decimal
    cash_usd: Decimal

    def __post_init__(self) -> None:
        _need(self.equity_usd.is_finite(), "a finite equity", str(self.ts_ns), self.equity_usd)
        _need(self.cash_usd.is_finite(), "finite cash", str(self.ts_ns), self.cash_usd)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """What was run, on what, and what the engine and the ledger say about it.

    `events` counts replayed records, not real-world events. `trials_before` counts earlier runs of the
    same idea. `marks` values every traded instrument that has no payout yet, per contract: the ones
    still held, and the ones sold again before the end. `identity` names the book and each of its classes by
    the hash of its file.
    """

    book: str
    mode: str
    engine: str
    catalog: str
    start_ns: int
    end_ns: int
    events: int
    wall_secs: float
    peak_rss_mb: float
    orders: int
    denied: int
    rejected: int
    settled_positions: int
    ledger_net_usd: Decimal
    ledger_conserved: bool
    event_log_sha256: str
    starting_usd: Decimal
    trials_before: int
    notes: tuple[str, ...] = ()
    marks: Mapping[str, Decimal] = field(default_factory=dict)
    identity: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _need(self.start_ns <= self.end_ns, f"an end at or after {self.start_ns}", self.book, self.end_ns)
        _need(math.isfinite(self.wall_secs) and self.wall_secs >= 0, "a wall time", self.book, self.wall_secs)
        _need(self.ledger_net_usd.is_finite(), "a finite ledger net", self.book, self.ledger_net_usd)
        _need(self.starting_usd.is_finite(), "a finite starting balance", self.book, self.starting_usd)
        _need(self.trials_before >= 0, "a count of earlier trials", self.book, self.trials_before)
        for instrument, mark in self.marks.items():
            _need(mark.is_finite() and mark >= 0, "a mark of 0 or more", instrument, mark)


@dataclass(frozen=True, slots=True)
class Record:
    """Everything a report rests on; nothing else is looked up."""

    facts: RunFacts
    fills: Sequence[Fill]
    refusals: Sequence[Refusal]
    settlements: Sequence[Settlement]
    forecasts: Sequence[Forecast]
    outcomes: Sequence[Outcome]
    prices: Sequence[PricePoint]
    equity: Sequence[EquityPoint]


def _need(holds: bool, expected: str, thing: str, found: object) -> None:
    if not holds:
        raise ValueError(f"expected {expected} for {thing}, found {found}")


def _is_positive(value: Decimal) -> bool:
    return value.is_finite() and value > 0


def _is_share(value: Decimal) -> bool:
    return value.is_finite() and 0 <= value <= 1


def _is_share_or_none(value: Decimal | None) -> bool:
    return value is None or _is_share(value)
