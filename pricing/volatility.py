"""How much an index moves: volatility per square root of a second, from ticks as they come."""

from collections import deque
from dataclasses import dataclass
from math import expm1, isfinite, ldexp, log, sqrt

_NS_PER_SEC = 1_000_000_000

# Squares are summed as whole multiples of 2**-200, which is exact: a running sum of floats would keep the
# dust of a large move after that has left the window.
_BITS = 200


@dataclass(frozen=True, slots=True)
class _Move:
    start_ns: int
    end_ns: int
    squared: float

    @property
    def secs(self) -> float:
        return (self.end_ns - self.start_ns) / _NS_PER_SEC


class _Sampler:
    """Thins ticks to moves at least `min_spacing_secs` long.

    A tick is used when a later one arrives, not before: until then one of equal time may replace it.
    """

    def __init__(self, min_spacing_secs: float) -> None:
        _check_positive("min_spacing_secs", min_spacing_secs)
        self._min_spacing_ns = round(min_spacing_secs * _NS_PER_SEC)
        self._latest: tuple[int, float] | None = None
        self._sampled: tuple[int, float] | None = None

    def offer(self, ts_ns: int, price: float) -> _Move | None:
        _check_positive("price", price)
        latest = self._latest
        if latest is not None and ts_ns < latest[0]:
            return None
        self._latest = (ts_ns, log(price))
        return self._sample(latest) if latest is not None and ts_ns > latest[0] else None

    def _sample(self, tick: tuple[int, float]) -> _Move | None:
        start = self._sampled
        if start is not None and tick[0] - start[0] < self._min_spacing_ns:
            return None
        self._sampled = tick
        return None if start is None else _Move(start[0], tick[0], (tick[1] - start[1]) ** 2)


class RealizedVolatility:
    """Measure volatility over the last `window_secs`: sum of squared log moves over their summed time.

    That is the estimate of maximum likelihood for a driftless Brownian log price seen at irregular times.
    Its relative error is about `1 / sqrt(2 n)` for n moves. A move counts while its start lies within the
    window before the latest one's end.

    `min_spacing_secs` thins the ticks: bid-ask bounce and rounding add a fixed amount to every squared
    move and so weigh less the longer a move lasts. Choose it above the time in which quotes bounce.
    """

    def __init__(self, window_secs: float, min_spacing_secs: float = 1.0, min_moves: int = 30) -> None:
        _check_positive("window_secs", window_secs)
        _check_moves(min_moves)
        self._sampler = _Sampler(min_spacing_secs)
        if window_secs < min_moves * min_spacing_secs:
            raise ValueError(
                f"expected a window for {min_moves} moves of {min_spacing_secs} s, found {window_secs} s"
            )
        self._window_ns = round(window_secs * _NS_PER_SEC)
        self._min_moves = min_moves
        self._moves: deque[_Move] = deque()
        self._squared = 0

    def update(self, ts_ns: int, price: float) -> None:
        """Take a tick of an index or price, above 0; ValueError otherwise.

        A tick of equal time replaces the one before, an older one is ignored. A tick shows in the
        estimate when the next later one has arrived.
        """
        move = self._sampler.offer(ts_ns, price)
        if move is None:
            return
        self._moves.append(move)
        self._squared += _whole(move.squared)
        while self._moves and self._moves[0].start_ns < move.end_ns - self._window_ns:
            self._squared -= _whole(self._moves.popleft().squared)

    @property
    def sigma_per_sqrt_sec(self) -> float | None:
        """Volatility of the log per square root of a second; None below `min_moves` moves in the window."""
        if len(self._moves) < self._min_moves:
            return None
        secs = (self._moves[-1].end_ns - self._moves[0].start_ns) / _NS_PER_SEC  # moves have no gaps
        return sqrt(self._squared / (1 << _BITS) / secs)


class EwmaVolatility:
    """Measure volatility with a memory that halves every `half_life_secs`, however irregular the ticks.

    A move of d seconds that ended t seconds ago says that the variance was its square over d, and
    weighs as much as the kernel `2 ** (-age / half_life)` has area over the move's own time. So a
    move across a gap counts as one observation of that time, not as d of them. With n moves to a
    half-life the relative error is about `sqrt(ln 2 / (4 n))`.

    `min_spacing_secs` thins the ticks as in `RealizedVolatility`.
    """

    def __init__(self, half_life_secs: float, min_spacing_secs: float = 1.0, min_moves: int = 30) -> None:
        _check_positive("half_life_secs", half_life_secs)
        _check_moves(min_moves)
        self._sampler = _Sampler(min_spacing_secs)
        self._decay_per_sec = log(2) / half_life_secs
        self._min_moves = min_moves
        self._moves = 0
        self._variance = 0.0
        self._weight = 0.0

    def update(self, ts_ns: int, price: float) -> None:
        """Take a tick of an index or price, above 0; ValueError otherwise.

        A tick of equal time replaces the one before, an older one is ignored. A tick shows in the
        estimate when the next later one has arrived.
        """
        move = self._sampler.offer(ts_ns, price)
        if move is None:
            return
        weight = -expm1(-self._decay_per_sec * move.secs)
        self._variance += weight * (move.squared / move.secs - self._variance)
        self._weight += weight * (1 - self._weight)
        self._moves += 1

    @property
    def sigma_per_sqrt_sec(self) -> float | None:
        """Volatility of the log per square root of a second; None before `min_moves` moves."""
        if self._moves < self._min_moves:
            return None
        return sqrt(self._variance / self._weight)


def _whole(squared: float) -> int:
    return int(ldexp(squared, _BITS))


def _check_positive(name: str, value: float) -> None:
    if not (isfinite(value) and value > 0):
        raise ValueError(f"expected {name} to be finite and above 0, found {value}")


def _check_moves(min_moves: int) -> None:
    if min_moves < 1:
        raise ValueError(f"expected min_moves to be at least 1, found {min_moves}")
