"""Say which fill earned what, to the last digit, and whether that explains the ledger."""

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Context, Decimal, DivisionByZero, FloatOperation, Inexact, InvalidOperation, localcontext

from research.record import Fill, Record

_ONE = Decimal(1)
_EXACT = Context(prec=200, traps=[Inexact, FloatOperation, InvalidOperation, DivisionByZero])


@dataclass(frozen=True, slots=True)
class Line:
    """One fill against the final value of its contract; `is_marked` when that value is a mark, no payout."""

    fill: Fill
    value: Decimal
    is_marked: bool
    net_usd: Decimal


@dataclass(frozen=True, slots=True)
class Tally:
    """The sum over some fills; `net_usd` is after fees."""

    fills: int
    taker_fills: int
    contracts: Decimal
    fees_usd: Decimal
    net_usd: Decimal

    @property
    def gross_usd(self) -> Decimal:
        with localcontext(_EXACT):
            return self.net_usd + self.fees_usd


@dataclass(frozen=True, slots=True)
class Profit:
    """The profit of a run, cut four ways; every cut adds up to `total`."""

    lines: tuple[Line, ...]
    total: Tally
    by_class: Mapping[str, Tally]
    by_strategy: Mapping[str, Tally]
    by_event: Mapping[str, Tally]
    by_strategy_and_event: Mapping[tuple[str, str], Tally]
    marked_net_usd: Decimal
    difference_usd: Decimal

    @property
    def reconciles(self) -> bool:
        """Whether the fills explain the ledger's net exactly."""
        return self.difference_usd == 0


def measure_profit(record: Record) -> Profit:
    """Return what each fill of `record` earned: bought `q(v - p) - fee`, sold `q(p - v) - fee`.

    `v` is the payout of the contract, or its mark when nothing was paid yet. `difference_usd` is the
    ledger's net less the sum over the fills; 0 unless one of the two is wrong. No step rounds.

    Raises LookupError when a traded contract has neither payout nor mark, and ValueError when two
    records disagree about a payout.
    """
    with localcontext(_EXACT):
        payouts = _payouts(record)
        lines = tuple(_line(fill, payouts, record.facts.marks) for fill in record.fills)
        total = _sum(lines)
        return Profit(
            lines=lines,
            total=total,
            by_class=tally(lines, lambda line: line.fill.evidence),
            by_strategy=tally(lines, lambda line: line.fill.strategy),
            by_event=tally(lines, lambda line: line.fill.event),
            by_strategy_and_event=tally(lines, lambda line: (line.fill.strategy, line.fill.event)),
            marked_net_usd=_sum(line for line in lines if line.is_marked).net_usd,
            difference_usd=record.facts.ledger_net_usd - total.net_usd,
        )


def tally[Key: Hashable](lines: Iterable[Line], key: Callable[[Line], Key]) -> dict[Key, Tally]:
    """Return the sums over `lines` for each value of `key`, in order of first appearance."""
    groups: dict[Key, list[Line]] = {}
    for line in lines:
        groups.setdefault(key(line), []).append(line)
    return {name: _sum(group) for name, group in groups.items()}


def mirror(outcome: str, yes_value: Decimal) -> Decimal | None:
    """Return the value of `outcome` when YES is worth `yes_value`; None when it is neither YES nor NO.

    It mirrors both ways: given the price of `outcome`, it returns the price of YES.
    """
    match outcome.upper():
        case "YES":
            return yes_value
        case "NO":
            return _ONE - yes_value
    return None


def _payouts(record: Record) -> dict[str, Decimal]:
    """Return the payout per instrument.

    A position that was closed before the market ended has no settlement of its own, so the market's
    outcome speaks for it.
    """
    payouts: dict[str, Decimal] = {}
    for settlement in record.settlements:
        _agree(payouts, settlement.instrument, settlement.payout)
    by_market: dict[str, Decimal] = {}
    for outcome in record.outcomes:
        _agree(by_market, outcome.market, outcome.payout)
    for instrument, market, side in {(f.instrument, f.market, f.outcome) for f in record.fills}:
        paid = mirror(side, by_market[market]) if market in by_market else None
        if paid is not None:
            _agree(payouts, instrument, paid)
    return payouts


def _agree(known: dict[str, Decimal], name: str, payout: Decimal) -> None:
    if known.setdefault(name, payout) != payout:
        raise ValueError(f"expected one payout for {name}, found {known[name]} and {payout}")


def _line(fill: Fill, payouts: Mapping[str, Decimal], marks: Mapping[str, Decimal]) -> Line:
    is_marked = fill.instrument not in payouts
    value = marks.get(fill.instrument) if is_marked else payouts[fill.instrument]
    if value is None:
        raise LookupError(f"expected a payout or a mark for {fill.instrument}, found neither")
    gain = value - fill.price if fill.side == "BUY" else fill.price - value
    return Line(fill, value, is_marked, fill.quantity * gain - fill.fee_usd)


def _sum(lines: Iterable[Line]) -> Tally:
    contracts = fees = net = Decimal(0)
    fills = takers = 0
    with localcontext(_EXACT):
        for line in lines:
            fills += 1
            takers += line.fill.is_taker
            contracts += line.fill.quantity
            fees += line.fill.fee_usd
            net += line.net_usd
    return Tally(fills, takers, contracts, fees, net)
