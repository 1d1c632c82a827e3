"""What the journal keeps: one frozen record a table, plain data only.

Times are nanoseconds since the epoch, money is exact and in USD, prices are USD per contract in (0, 1).
`run` is the run that knew; `at_ns` is when it happened, by the clock of whoever says so. The journal adds
`noted_ns`, when it was told: that rises strictly from record to record of a writer, also over restarts.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

type Plain = dict[str, Any]
"""What JSON can say; whoever hands it to the journal does not change it any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What every record says."""

    run: str
    at_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Run(Record):
    """A process of a run began; `hashes` are the SHA-256 of the book and of each strategy's file, by name."""

    mode: str
    book: str
    trader: str
    engine: str
    hashes: Plain
    settings: Plain


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPhase(Record):
    """How a run goes on, such as running, stopped, crashed, restarted; `process` is who says so."""

    phase: str
    process: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision(Record):
    """A strategy's signal: what it believes of an outcome, and the quote that it could see."""

    strategy: str
    instrument: str
    kind: str
    probability: float | None
    bid: Decimal | None
    ask: Decimal | None
    detail: Plain


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict(Record):
    """A proposal as the guardian judged it; it passed when `rule` is None. `kind` is new or change."""

    order_id: str
    kind: str
    strategy: str
    instrument: str
    side: str
    quantity: Decimal
    price: Decimal | None
    worst_case_usd: Decimal | None
    expected_fee_usd: Decimal | None
    belief: float | None
    belief_ns: int | None
    bid: Decimal | None
    ask: Decimal | None
    rule: str | None
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent(Record):
    """An order, or a change of one, that is about to be sent: durable before its first byte leaves."""

    order_id: str
    kind: str
    strategy: str
    instrument: str
    side: str
    quantity: Decimal
    price: Decimal | None
    terms: Plain


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderEvent(Record):
    """What became of an order, named as the engine names it; `known_ns` is when we heard."""

    known_ns: int
    order_id: str
    venue_order_id: str | None
    strategy: str
    instrument: str
    kind: str
    event_id: str
    detail: Plain


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill(Record):
    """A trade of ours, or, with a `correction_id`, what a venue took back of one.

    `outcome` is where the contract belongs (`risk.contract.Outcome`, field by field); `evidence` is one of
    A, B, C, D, S. A fee below 0 is a rebate.
    """

    known_ns: int
    order_id: str
    venue_order_id: str
    trade_id: str
    strategy: str
    instrument: str
    outcome: Plain
    side: str
    quantity: Decimal
    price: Decimal
    fee_usd: Decimal
    is_taker: bool
    evidence: str
    correction_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement(Record):
    """The end of a position: each contract became `payout` USD in [0, 1]."""

    strategy: str
    instrument: str
    outcome: Plain
    quantity: Decimal
    payout: Decimal
    reference: str
    is_paid: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Reversal(Record):
    """A settlement that its venue took back: the position is there again, the payout gone."""

    strategy: str
    instrument: str
    outcome: Plain
    reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion(Record):
    """Contracts that became others, or money, by a rule of the venue: split, merge, netting, conversion.

    `legs` holds them under that word, in their order: outcome, quantity (negative: given) and usd, both as text.
    """

    strategy: str
    reference: str
    legs: Plain


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer(Record):
    """Cash that came, went or moved: deposit, withdrawal, payout, or transfer, which has a `target`."""

    kind: str
    venue: str
    target: str | None
    amount_usd: Decimal
    reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEntry(Record):
    """One line of a posting of our ledger; the lines of a posting add up to zero."""

    kind: str
    reference: str
    account: str
    amount_usd: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding(Record):
    """A strategy's position after it changed: contracts, their cost, profit and fees so far."""

    strategy: str
    instrument: str
    quantity: Decimal
    cost_usd: Decimal
    realized_usd: Decimal
    fees_usd: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskEvent(Record):
    """The guardian's state changed, or it took note of something; `operator` is None when the system did."""

    kind: str
    state: str
    cause: str
    operator: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert(Record):
    """What a human was told, or should have been."""

    severity: str
    source: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DataHealth(Record):
    """How a source of data does: a gap, a stale feed, a recovery."""

    source: str
    kind: str
    instrument: str | None
    detail: Plain


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept(Record):
    """What a scope keeps under a name, in place of what it kept there before; of all records the only one."""

    scope: str
    name: str
    plain: Plain
