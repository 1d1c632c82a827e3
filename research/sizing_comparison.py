"""Ask what the same bets would have made of a bankroll under other rules of sizing."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import log

from pricing.sizing import Bet, Sizing, stake_usd, to_usd
from research.bootstrap import Estimate, estimate_mean
from research.profit import Line, measure_profit, mirror
from research.record import Fill, Forecast, Record
from research.wording import NOTHING, cents, interval, mean

HEADER = (
    "Sizing",
    "Bets",
    "Final, USD",
    "Net, USD",
    "Worst drawdown",
    "Log growth per event",
    "Less the first rule",
)
"""The names of the columns of `comparison_rows`."""


@dataclass(frozen=True, slots=True)
class Chance:
    """A bet that was there to take in one event, and what its contract paid, in [0, 1]."""

    event: str
    bet: Bet
    payout: float

    def __post_init__(self) -> None:
        if not 0 <= self.payout <= 1:
            raise ValueError(f"expected a payout in [0, 1] for {self.event}, found {self.payout}")


@dataclass(frozen=True, slots=True)
class Chances:
    """What a record offers to a comparison, in the order of time, and why it offers no more."""

    taken: tuple[Chance, ...]
    left_out: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class SizingResult:
    """How one rule did.

    `worst_drawdown_share` is 0 or negative, a share of the best bankroll so far. `growth` is the mean of the
    log of bankroll after to before, per event, bet or not; `less_first` the same less that of the first
    rule on the same event. They are None where there is nothing to compute, and after a ruin, whose
    log growth has no bottom.
    """

    name: str
    bets: int
    final_usd: Decimal
    net_usd: Decimal
    worst_drawdown_share: float
    growth: Estimate | None
    less_first: Estimate | None

    @property
    def is_ruined(self) -> bool:
        """Whether nothing was left at the end."""
        return self.final_usd == 0


@dataclass(frozen=True, slots=True)
class SizingComparison:
    """The results of all rules on the same events, in the order in which the rules were given."""

    events: int
    starting_usd: Decimal
    results: tuple[SizingResult, ...]


@dataclass(frozen=True, slots=True)
class _Path:
    bets: int
    bankrolls_usd: tuple[Decimal, ...]  # before the first event and after each


def compare_sizings(
    chances: Sequence[Chance], rules: Mapping[str, Sizing], starting_usd: Decimal
) -> SizingComparison:
    """Return what each rule makes of `starting_usd`, above 0, over `chances` in their order.

    Each chance is an event of its own, settled before the next comes; give one per event. A stake buys
    stake / cost contracts, at that cost however many they are, and they are held to the end. So this
    compares rules and is no forecast of profit: a book is not that deep, and events overlap.

    ValueError when there is no rule, when an event comes twice, or when the start is not above 0.
    """
    _need_comparable(chances, rules, starting_usd)
    paths = {name: _walk(chances, rule, starting_usd) for name, rule in rules.items()}
    first = next(iter(rules))
    growths = {name: _growths(path) for name, path in paths.items()}
    results = tuple(
        _result(name, path, growths[name], None if name == first else growths[first])
        for name, path in paths.items()
    )
    return SizingComparison(len(chances), starting_usd, results)


def comparison_rows(comparison: SizingComparison) -> list[tuple[str, ...]]:
    """Return a row of text per rule, under `HEADER`."""
    return [
        (
            result.name,
            f"{result.bets:,}",
            f"{result.final_usd:,.2f}",
            cents(result.net_usd),
            f"{result.worst_drawdown_share * 100:.1f} %",
            "ruined" if result.is_ruined else mean(result.growth, 6),
            NOTHING if result.less_first is None else interval(result.less_first, 6),
        )
        for result in comparison.results
    ]


def chances_of(record: Record, strategy: str) -> Chances:
    """Return one chance per event in which `strategy` bought: its first buy that can be replayed.

    The cost is the fill's price and its fee per contract, the probability what the strategy last said of
    that market by then, the payout that of the contract. A buy does not count when it has no forecast,
    no payout yet, an outcome that is neither YES nor NO, or figures that are no bet (a cost or a
    probability outside (0, 1)); `left_out` counts such buys by reason. Raises what
    `research.profit.measure_profit` raises.
    """
    forecasts: dict[str, list[Forecast]] = {}
    for forecast in sorted(record.forecasts, key=lambda forecast: forecast.ts_ns):
        if forecast.strategy == strategy:
            forecasts.setdefault(forecast.market, []).append(forecast)
    taken: dict[str, Chance] = {}
    left_out: Counter[str] = Counter()
    for line in sorted(measure_profit(record).lines, key=lambda line: line.fill.ts_ns):
        fill = line.fill
        if fill.strategy != strategy or fill.side != "BUY" or fill.event in taken:
            continue
        chance = _chance(line, forecasts.get(fill.market, []))
        if isinstance(chance, Chance):
            taken[fill.event] = chance
        else:
            left_out[chance] += 1
    return Chances(tuple(taken.values()), dict(left_out))


def _need_comparable(chances: Sequence[Chance], rules: Mapping[str, Sizing], starting_usd: Decimal) -> None:
    if not rules:
        raise ValueError("expected at least one rule of sizing, found none")
    if not (starting_usd.is_finite() and starting_usd > 0):
        raise ValueError(f"expected a starting bankroll above 0 USD, found {starting_usd}")
    twice = [event for event, times in Counter(chance.event for chance in chances).items() if times > 1]
    if twice:
        raise ValueError(f"expected one chance per event, found more for {', '.join(sorted(twice))}")


def _walk(chances: Iterable[Chance], rule: Sizing, bankroll_usd: Decimal) -> _Path:
    bankrolls, bets = [bankroll_usd], 0
    for chance in chances:
        stake = stake_usd(rule, chance.bet, bankroll_usd) if bankroll_usd else bankroll_usd
        bankroll_usd += to_usd(float(stake) / chance.bet.cost * chance.payout) - stake
        bets += stake > 0
        bankrolls.append(bankroll_usd)
    return _Path(bets, tuple(bankrolls))


def _growths(path: _Path) -> list[float] | None:
    """Return the log growth event by event; None when one of them took everything."""
    before, after = path.bankrolls_usd[:-1], path.bankrolls_usd[1:]
    if not path.bankrolls_usd[-1]:
        return None
    return [log(new / old) for old, new in zip(before, after, strict=True)]


def _result(name: str, path: _Path, growths: list[float] | None, first: list[float] | None) -> SizingResult:
    less_first = None
    if growths is not None and first is not None:
        less_first = estimate_mean([own - other for own, other in zip(growths, first, strict=True)])
    start, final = path.bankrolls_usd[0], path.bankrolls_usd[-1]
    return SizingResult(
        name=name,
        bets=path.bets,
        final_usd=final,
        net_usd=final - start,
        worst_drawdown_share=_worst_drawdown_share(path.bankrolls_usd),
        growth=None if growths is None else estimate_mean(growths),
        less_first=less_first,
    )


def _worst_drawdown_share(bankrolls_usd: Iterable[Decimal]) -> float:
    best, worst = Decimal(0), 0.0
    for bankroll in bankrolls_usd:
        best = max(best, bankroll)
        worst = min(worst, float(bankroll / best - 1))
    return worst


def _chance(line: Line, forecasts: Sequence[Forecast]) -> Chance | str:
    """Return the chance that a buy was, or why it cannot be replayed."""
    fill = line.fill
    said = _last_said(fill, forecasts)
    if line.is_marked:
        return "no payout yet"
    if said is None:
        return "no forecast before the fill"
    believed = mirror(fill.outcome, Decimal(said))
    if believed is None:
        return "an outcome that is neither YES nor NO"
    cost = fill.price + fill.fee_usd / fill.quantity
    if not (0 < cost < 1 and 0 < believed < 1):
        return "a cost or a probability outside (0, 1)"
    return Chance(fill.event, Bet(float(believed), float(cost)), float(line.value))


def _last_said(fill: Fill, forecasts: Sequence[Forecast]) -> float | None:
    earlier = bisect_right(forecasts, fill.ts_ns, key=lambda forecast: forecast.ts_ns)
    return forecasts[earlier - 1].probability if earlier else None
