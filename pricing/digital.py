"""How likely it is that the average of an index over a last window ends at or above a strike."""

from dataclasses import dataclass
from math import erfc, isfinite, sqrt


@dataclass(frozen=True, slots=True)
class AverageDigital:
    """A contract that pays if the mean of an index over the last `window_secs` before close is >= `strike`.

    `strike` is in units of the index and positive. `window_secs` is not negative; 0 settles on the last
    value alone. Kalshi's KXBTC15M is a window of 60 s on the BRTI (venue rules, read 2026-11-20).
    """

    strike: float
    window_secs: float

    def __post_init__(self) -> None:
        _check_positive("strike", self.strike)
        _check_at_least_zero("window_secs", self.window_secs)


@dataclass(frozen=True, slots=True)
class IndexView:
    """What is known of the index, `secs_to_close` before the close.

    `spot` is its last value, `sigma_per_sqrt_sec` the volatility of its log per square root of a second,
    as `pricing.volatility` measures it. `observed_mean` is the mean of the values that already lie in the
    window; None before the window has begun.
    """

    spot: float
    sigma_per_sqrt_sec: float
    secs_to_close: float
    observed_mean: float | None = None

    def __post_init__(self) -> None:
        _check_positive("spot", self.spot)
        _check_at_least_zero("sigma_per_sqrt_sec", self.sigma_per_sqrt_sec)
        _check_at_least_zero("secs_to_close", self.secs_to_close)
        if self.observed_mean is not None:
            _check_positive("observed_mean", self.observed_mean)


@dataclass(frozen=True, slots=True)
class AverageForecast:
    """The mean over the window as it is expected to end, with its standard deviation, in index units."""

    expected: float
    deviation: float


def forecast_average(contract: AverageDigital, view: IndexView) -> AverageForecast:
    """Return expectation and standard deviation of the final mean.

    The index moves as S (1 + sigma W(t)) from its last value S: no drift, and moves so small that its
    log and its relative change are the same (Bachelier). With tau = `secs_to_close`, w = `window_secs`:

    * Before the window, tau >= w. The mean is S (1 + sigma/w * integral of W over [tau - w, tau]). The part
      up to the window's start is common to all values, variance tau - w; the mean of a Wiener process
      over its own first w seconds has variance w/3. Together: variance S^2 sigma^2 (tau - 2w/3), expectation S.
    * Inside, tau < w. The observed part has weight 1 - tau/w and is known; the rest is the mean over the
      next tau seconds, variance S^2 sigma^2 tau/3, with weight tau/w. Together: variance
      S^2 sigma^2 tau^3 / (3 w^2), expectation observed_mean (1 - tau/w) + S tau/w.

    Both are S^2 sigma^2 w/3 around S at tau = w.

    ValueError when the window has begun and nothing is observed, or the reverse.
    """
    tau, window = view.secs_to_close, contract.window_secs
    if tau >= window:
        if view.observed_mean is not None and tau > window:
            raise ValueError(
                f"expected nothing observed {tau} s before close, the window has {window} s, "
                f"found a mean of {view.observed_mean}"
            )
        return AverageForecast(view.spot, view.spot * view.sigma_per_sqrt_sec * sqrt(tau - 2 * window / 3))
    if view.observed_mean is None:
        raise ValueError(f"expected the mean observed so far, {tau} s before close in a window of {window} s")
    share_to_come = tau / window
    expected = view.observed_mean + (view.spot - view.observed_mean) * share_to_come
    return AverageForecast(expected, view.spot * view.sigma_per_sqrt_sec * share_to_come * sqrt(tau / 3))


def probability_at_or_above(contract: AverageDigital, view: IndexView) -> float:
    """Return the probability in [0, 1] that the final mean is at or above the strike.

    When nothing is left to chance (close reached, or no volatility) it is 1 or 0, a tie being 1.

    Limits. Normal moves of constant volatility: no jumps, no fat tails, so prices far from 0.5 come out
    too sure. Time runs on, while a venue averages one value per second: within the last few seconds of a
    window of 60 values the true deviation is larger (1 s before close by 73 %). Skew of the lognormal is
    dropped, an error below `sigma * sqrt(tau)` in probability (0.003 for 15 minutes at 50 % a year). A
    venue that rounds the mean before comparing has a strike lower by half its last digit. `spot` must be
    the index itself: one exchange lies basis points beside it.
    """
    forecast = forecast_average(contract, view)
    distance = forecast.expected - contract.strike
    if forecast.deviation == 0:
        return 1.0 if distance >= 0 else 0.0
    return 0.5 * erfc(-distance / forecast.deviation / sqrt(2))


def _check_positive(name: str, value: float) -> None:
    if not (isfinite(value) and value > 0):
        raise ValueError(f"expected {name} to be finite and above 0, found {value}")


def _check_at_least_zero(name: str, value: float) -> None:
    if not (isfinite(value) and value >= 0):
        raise ValueError(f"expected {name} to be finite and at least 0, found {value}")
