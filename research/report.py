"""Put the findings into one JSON-able summary; money is text, so that no digit is lost."""

from collections.abc import Mapping, Sequence
from typing import Any

from research.bootstrap import CONFIDENCE, DRAWS, SEED, Estimate
from research.findings import Findings, study
from research.profit import Profit, Tally
from research.record import Record, RunFacts
from research.scoring import Bin
from research.wording import exact, iso_time


def summary(record: Record) -> dict[str, Any]:
    """Return the summary of `record`; see `summarize`."""
    return summarize(study(record))


def summarize(findings: Findings) -> dict[str, Any]:
    """Return the findings as plain JSON values.

    Money is text with every digit ("12.345678"), scores and rates are numbers, times are ISO 8601 in
    UTC, what could not be computed is None and never 0. `pnl_net` is the ledger's net,
    `pnl_from_fills` what the fills explain of it, `pnl_difference` the rest.
    """
    return (
        _run(findings.record.facts)
        | _counts(findings)
        | _money(findings)
        | _statistics(findings)
        | {"verdict": {"level": findings.verdict.level, "sentences": list(findings.verdict.sentences)}}
    )


def events_per_sec(facts: RunFacts) -> float | None:
    """Return the speed of the replay; None when no time was measured."""
    return facts.events / facts.wall_secs if facts.wall_secs else None


def _run(facts: RunFacts) -> dict[str, Any]:
    return {
        "book": facts.book,
        "mode": facts.mode,
        "engine": facts.engine,
        "catalog": facts.catalog,
        "start": iso_time(facts.start_ns),
        "end": iso_time(facts.end_ns),
        "events": facts.events,
        "events_per_sec": events_per_sec(facts),
        "wall_s": facts.wall_secs,
        "peak_rss_mb": facts.peak_rss_mb,
        "ledger_conserved": facts.ledger_conserved,
        "event_log_sha256": facts.event_log_sha256,
        "identity": dict(facts.identity),
        "trials": facts.trials_before,
        "notes": list(facts.notes),
    }


def _counts(findings: Findings) -> dict[str, Any]:
    facts = findings.record.facts
    return {
        "orders": facts.orders,
        "fills": findings.profit.total.fills,
        "denied": facts.denied,
        "rejected": facts.rejected,
        "settled_positions": facts.settled_positions,
        "independent_events": findings.events,
        "refusals_by_rule": dict(findings.refusals_by_rule),
    }


def _money(findings: Findings) -> dict[str, Any]:
    profit, facts = findings.profit, findings.record.facts
    drawdown = findings.worst_drawdown_usd
    return {
        "starting_usd": exact(facts.starting_usd),
        "pnl_net": exact(facts.ledger_net_usd),
        "pnl_from_fills": exact(profit.total.net_usd),
        "pnl_difference": exact(profit.difference_usd),
        "reconciles": profit.reconciles,
        "pnl_on_marks": exact(profit.marked_net_usd),
        "fees": exact(profit.total.fees_usd),
        "worst_drawdown": None if drawdown is None else exact(drawdown),
        "pnl_by_class": _nets(profit.by_class),
        "pnl_by_strategy": _nets(profit.by_strategy),
        "pnl_by_event": _nets(profit.by_event),
        "pnl_by_strategy_and_event": _nested(profit),
    }


def _nets(tallies: Mapping[str, Tally]) -> dict[str, str]:
    return {name: exact(tallies[name].net_usd) for name in sorted(tallies)}


def _nested(profit: Profit) -> dict[str, dict[str, str]]:
    nested: dict[str, dict[str, str]] = {}
    for (strategy, event), sums in sorted(profit.by_strategy_and_event.items(), key=lambda item: item[0]):
        nested.setdefault(strategy, {})[event] = exact(sums.net_usd)
    return nested


def _statistics(findings: Findings) -> dict[str, Any]:
    score = findings.score
    return {
        "brier_model": score.brier_model,
        "brier_market": score.brier_market,
        "brier_events": score.events,
        "forecasts": {
            "scored": score.forecasts,
            "without_outcome": score.without_outcome,
            "without_market": score.without_market,
        },
        "calibration": {"model": _bins(score.model_bins), "market": _bins(score.market_bins)},
        "intervals": {
            "method": "percentile bootstrap over events",
            "confidence": CONFIDENCE,
            "draws": DRAWS,
            "seed": SEED,
            "pnl_per_event": _estimate(findings.pnl_per_event),
            "credited_pnl_per_event": _estimate(findings.credited_per_event),
            "brier_difference": _estimate(score.difference),
        },
    }


def _estimate(estimate: Estimate | None) -> dict[str, Any] | None:
    if estimate is None:
        return None
    return {
        "mean": estimate.mean,
        "low": estimate.low,
        "high": estimate.high,
        "events": estimate.events,
        "confidence": estimate.confidence,
    }


def _bins(bins: Sequence[Bin]) -> list[dict[str, Any]]:
    return [
        {"low": b.low, "high": b.high, "events": b.events, "forecast": b.forecast, "realised": b.realised}
        for b in bins
        if b.events
    ]
