"""Work out once everything that the summary, the console and the page show."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from research.bootstrap import Estimate, estimate_mean, widen
from research.equity import worst_drawdown
from research.profit import Line, Profit, measure_profit, tally
from research.record import EVIDENCE_CLASSES, PROMOTABLE, Record, RunFacts
from research.scoring import Comparison, compare
from research.verdict import Numbers, Verdict, judge

_NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True)
class Findings:
    """A record and what follows from it.

    `pnl_per_event` is the mean over all events with fills. `credited_per_event` is what the verdict looks
    at: gains of class D and S count as nothing, their losses count, and the interval allows for
    earlier trials.
    """

    record: Record
    profit: Profit
    score: Comparison
    pnl_per_event: Estimate | None
    credited_per_event: Estimate | None
    worst_drawdown_usd: Decimal | None
    refusals_by_rule: Mapping[str, int]
    verdict: Verdict

    @property
    def events(self) -> int:
        """Count of independent events with fills."""
        return len(self.profit.by_event)

    @property
    def is_synthetic(self) -> bool:
        """Whether any fill rests on synthetic data."""
        return "S" in self.profit.by_class


def study(record: Record) -> Findings:
    """Return what `record` shows; pure, and the same for the same record.

    Raises what `research.profit.measure_profit` raises.
    """
    profit = measure_profit(record)
    score = compare(record.forecasts, record.outcomes)
    credited = _credited_by_event(profit)
    trials = record.facts.trials_before
    per_event = _estimate({event: sums.net_usd for event, sums in profit.by_event.items()})
    credited_per_event = widen(_estimate(credited), trials)
    numbers = _numbers(record.facts, profit, score, widen(per_event, trials), credited_per_event)
    return Findings(
        record=record,
        profit=profit,
        score=score,
        pnl_per_event=per_event,
        credited_per_event=credited_per_event,
        worst_drawdown_usd=worst_drawdown(record.equity, record.facts.starting_usd),
        refusals_by_rule=dict(Counter(refusal.rule for refusal in record.refusals).most_common()),
        verdict=judge(numbers),
    )


def _credited_by_event(profit: Profit) -> dict[str, Decimal]:
    """Return per event what may count for a promotion.

    A loss of a weak class still counts, or a hedge could hide its losing leg in class D.
    """
    strong = tally((line for line in profit.lines if not _is_weak(line)), lambda line: line.fill.event)
    weak = tally((line for line in profit.lines if _is_weak(line)), lambda line: line.fill.event)
    credited = {event: sums.net_usd for event, sums in strong.items()}
    for event, sums in weak.items():
        if sums.net_usd < 0:
            credited[event] = credited.get(event, _NOTHING) + sums.net_usd
    return credited


def _is_weak(line: Line) -> bool:
    return line.fill.evidence not in PROMOTABLE


def _estimate(by_event: Mapping[str, Decimal]) -> Estimate | None:
    # Sorted, so that the seeded draws do not depend on the order of the fills.
    return estimate_mean([float(by_event[event]) for event in sorted(by_event)])


def _numbers(
    facts: RunFacts, profit: Profit, score: Comparison, pnl: Estimate | None, credited: Estimate | None
) -> Numbers:
    weak = [name for name in EVIDENCE_CLASSES if name in profit.by_class and name not in PROMOTABLE]
    strong_lines = [line for line in profit.lines if not _is_weak(line)]
    return Numbers(
        ledger_conserved=facts.ledger_conserved,
        difference_usd=profit.difference_usd,
        fills=profit.total.fills,
        promotable_fills=len(strong_lines),
        events=len(profit.by_event),
        judged_events=len({line.fill.event for line in strong_lines}),
        weak_classes=tuple(weak),
        weak_net_usd=sum((profit.by_class[name].net_usd for name in weak), _NOTHING),
        pnl=pnl,
        credited=credited,
        trials_before=facts.trials_before,
        scored_events=score.events,
        brier_model=score.brier_model,
        brier_market=score.brier_market,
        brier_difference=score.difference,
    )
