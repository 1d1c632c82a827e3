"""An index followed through time, and what a contract on its average is worth at any moment."""

from pricing.digital import AverageDigital, IndexView, probability_at_or_above
from pricing.volatility import EwmaVolatility

_NS_PER_SEC = 1_000_000_000
_SUREST = 0.001  # the model has no fat tails: no belief of ours is surer than this
_STALE_SECS = 10.0


class IndexTracker:
    """Follows an index by the prices of one source that lies `basis_bps` below it.

    Prices are in units of the index, times in nanoseconds since the epoch; a tick older than the last
    one is ignored. Without a tick for ten seconds the index counts as unknown.
    """

    def __init__(self, half_life_secs: float, basis_bps: float = 0.0) -> None:
        self._volatility = EwmaVolatility(half_life_secs)
        self._factor = 1 + basis_bps / 10_000
        self._last: tuple[int, float] | None = None

    def update(self, ts_ns: int, price: float) -> None:
        """Take a price of the source, above 0."""
        if self._last is not None and ts_ns < self._last[0]:
            return
        self._volatility.update(ts_ns, price)
        self._last = (ts_ns, price * self._factor)

    def spot(self, now_ns: int) -> float | None:
        """Return the index now, or None while it is unknown."""
        if self._last is None or now_ns - self._last[0] > _STALE_SECS * _NS_PER_SEC:
            return None
        return self._last[1]

    @property
    def sigma_per_sqrt_sec(self) -> float | None:
        """Volatility of the log per square root of a second, or None before enough was seen."""
        return self._volatility.sigma_per_sqrt_sec


class AverageSoFar:
    """The mean of an index since `start_ns`, each price weighted by the time for which it stood.

    A tick older than the last one is ignored. When the first tick comes after the start, its price
    stands for the time before it: the nearest thing that is known.
    """

    def __init__(self, start_ns: int) -> None:
        self._start_ns = start_ns
        self._at_ns = start_ns
        self._price: float | None = None
        self._area = 0.0

    def update(self, ts_ns: int, price: float) -> None:
        """Take the index at `ts_ns`; before the start it is only remembered as the first value."""
        if self._price is None:
            self._area = price * max(0, ts_ns - self._start_ns)
        elif ts_ns < self._at_ns:
            return
        else:
            self._area += self._open_area(ts_ns)
        self._at_ns = ts_ns
        self._price = price

    def mean(self, now_ns: int) -> float | None:
        """Return the mean over [start, now], or None before the start or when nothing was seen.

        Where the source's clock runs ahead of ours, the mean reaches to its last tick instead.
        """
        if self._price is None or now_ns <= self._start_ns:
            return None
        until_ns = max(now_ns, self._at_ns)
        return (self._area + self._open_area(until_ns)) / (until_ns - self._start_ns)

    def _open_area(self, until_ns: int) -> float:
        return (
            0.0 if self._price is None else self._price * max(0, until_ns - max(self._at_ns, self._start_ns))
        )


class DigitalFair:
    """The worth of one contract that pays if the index averages at or above its strike before close."""

    def __init__(self, contract: AverageDigital, closes_ns: int) -> None:
        self._contract = contract
        self.closes_ns = closes_ns
        self._average = AverageSoFar(closes_ns - round(contract.window_secs * _NS_PER_SEC))

    def update(self, ts_ns: int, spot: float) -> None:
        """Take the index at `ts_ns`."""
        self._average.update(ts_ns, spot)

    def probability(self, index: IndexTracker, now_ns: int) -> float | None:
        """Return the probability that it pays, in [0.001, 0.999]; None after close or while unknown."""
        spot, sigma = index.spot(now_ns), index.sigma_per_sqrt_sec
        if spot is None or sigma is None or now_ns >= self.closes_ns:
            return None
        secs_to_close = (self.closes_ns - now_ns) / _NS_PER_SEC
        observed = self._average.mean(now_ns)
        if observed is None and secs_to_close < self._contract.window_secs:
            return None
        view = IndexView(spot, sigma, secs_to_close, observed)
        return min(1 - _SUREST, max(_SUREST, probability_at_or_above(self._contract, view)))
