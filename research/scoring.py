"""Say whether the model knew more than the market, event by event."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from research.bootstrap import Estimate, estimate_mean
from research.record import Forecast, Outcome

BINS = 10


@dataclass(frozen=True, slots=True)
class Bin:
    """Forecasts from `low` to `high`, and the share of YES that came true; None where no event fell."""

    low: float
    high: float
    events: int
    forecast: float | None
    realised: float | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Model against market on the same forecasts; a lower Brier score is better.

    `difference` is model less market, so above 0 the market was better. Scores are None and bins empty when
    no forecast has both an outcome and a market mid.
    """

    events: int
    forecasts: int
    without_outcome: int
    without_market: int
    brier_model: float | None
    brier_market: float | None
    difference: Estimate | None
    model_bins: tuple[Bin, ...]
    market_bins: tuple[Bin, ...]


@dataclass(frozen=True, slots=True)
class _Point:
    event: str
    model: float
    market: float
    realised: float


def compare(forecasts: Iterable[Forecast], outcomes: Iterable[Outcome]) -> Comparison:
    """Return how model and market scored on the forecasts that have an outcome and a market mid.

    A score per event is the mean over its forecasts, the headline is the mean over events: a market
    that was quoted a thousand times counts as one. A payout between 0 and 1 is scored as it stands.

    Source: G. W. Brier, "Verification of Forecasts Expressed in Terms of Probability", 1950.
    """
    payouts = {outcome.market: float(outcome.payout) for outcome in outcomes}
    points, without_outcome, without_market = _comparable(forecasts, payouts)
    model = _by_event(points, lambda point: (point.model - point.realised) ** 2)
    market = _by_event(points, lambda point: (point.market - point.realised) ** 2)
    return Comparison(
        events=len(model),
        forecasts=len(points),
        without_outcome=without_outcome,
        without_market=without_market,
        brier_model=_mean(model.values()),
        brier_market=_mean(market.values()),
        difference=estimate_mean([model[event] - market[event] for event in sorted(model)]),
        model_bins=_calibrate(points, lambda point: point.model),
        market_bins=_calibrate(points, lambda point: point.market),
    )


def _comparable(forecasts: Iterable[Forecast], payouts: Mapping[str, float]) -> tuple[list[_Point], int, int]:
    points: list[_Point] = []
    without_outcome = without_market = 0
    for forecast in forecasts:
        realised = payouts.get(forecast.market)
        if realised is None:
            without_outcome += 1
        elif forecast.market_mid is None:
            without_market += 1
        else:
            points.append(_Point(forecast.event, forecast.probability, float(forecast.market_mid), realised))
    return points, without_outcome, without_market


def _calibrate(points: Sequence[_Point], belief: Callable[[_Point], float]) -> tuple[Bin, ...]:
    binned: list[list[_Point]] = [[] for _ in range(BINS)]
    for point in points:
        binned[min(int(belief(point) * BINS), BINS - 1)].append(point)
    return tuple(_bin(number, inside, belief) for number, inside in enumerate(binned))


def _bin(number: int, inside: Sequence[_Point], belief: Callable[[_Point], float]) -> Bin:
    forecast = _by_event(inside, belief)
    realised = _by_event(inside, lambda point: point.realised)
    return Bin(
        low=number / BINS,
        high=(number + 1) / BINS,
        events=len(forecast),
        forecast=_mean(forecast.values()),
        realised=_mean(realised.values()),
    )


def _by_event(points: Iterable[_Point], measure: Callable[[_Point], float]) -> dict[str, float]:
    groups: dict[str, list[float]] = {}
    for point in points:
        groups.setdefault(point.event, []).append(measure(point))
    return {event: fmean(values) for event, values in groups.items()}


def _mean(values: Iterable[float]) -> float | None:
    kept = list(values)
    return fmean(kept) if kept else None
