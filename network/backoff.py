"""How long to wait before another try."""

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waits that grow by `factor` from `first_secs` to `most_secs`, each shortened by chance.

    `jitter` is the share of a wait that is left to chance: with 1 a wait lies anywhere between nothing
    and its full length, which spreads many clients best.

    Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015 ("full jitter").
    """

    first_secs: float = 0.25
    factor: float = 2.0
    most_secs: float = 30.0
    jitter: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.first_secs <= self.most_secs:
            raise ValueError(f"expected 0 < first_secs <= most_secs, found {self}")
        if not (self.factor >= 1 and 0 <= self.jitter <= 1):
            raise ValueError(f"expected factor >= 1 and jitter in [0, 1], found {self}")

    def delay_secs(self, tries: int, random: Callable[[], float]) -> float:
        """Return the wait after `tries` earlier waits; `random` gives a number in [0, 1)."""
        full_secs = self.first_secs
        for _ in range(tries):
            if full_secs >= self.most_secs:
                break
            full_secs *= self.factor
        return min(full_secs, self.most_secs) * (1 - self.jitter * random())


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a read is tried, the first time included, and how long we wait in between."""

    attempts: int = 4
    backoff: Backoff = field(default_factory=lambda: Backoff(most_secs=8.0))

    def __post_init__(self) -> None:
        if self.attempts < 1:
            raise ValueError(f"expected at least 1 attempt, found {self.attempts}")
