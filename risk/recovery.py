"""How large an order may still be after losses: down at once, up slowly."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from risk.marks import DAY_NS, week_of
from risk.sums import ZERO

_FULL = Decimal(1)
_GOOD_DAYS = 10
_WEEKLY_RAISE = Decimal("0.1")
_MONEY = ("scale", "high_usd", "day_start_usd", "last_usd")

type Step = tuple[Decimal, Decimal]
"""A drawdown as a share of the highest equity, and the share of full size from there on."""


@dataclass(slots=True)
class Recovery:
    """The share of full size that is allowed, in [0, 1].

    It falls to a step's factor the moment the drawdown reaches the step. It rises when ten UTC days have
    ended with a profit since the last fall, by at most 0.1 in an ISO week and never above what the
    drawdown allows. At 0 it stays until an operator resumes: then it is the smallest factor above 0, and
    the drawdown counts from the equity of that moment.
    """

    scale: Decimal = _FULL
    high_usd: Decimal | None = None
    day: int | None = None
    day_start_usd: Decimal = ZERO
    last_usd: Decimal = ZERO
    good_days: int = 0
    raised_week: int | None = None

    def look(self, profit_usd: Decimal, capital_usd: Decimal, steps: Sequence[Step], now_ns: int) -> None:
        """Take note of the profit now (equity less capital), and move the scale."""
        self._end_days(profit_usd, now_ns // DAY_NS)
        self.last_usd = profit_usd
        self.high_usd = profit_usd if self.high_usd is None else max(self.high_usd, profit_usd)
        allowed = self._allowed(capital_usd + self.high_usd, self.high_usd - profit_usd, steps)
        if allowed < self.scale:
            self.scale, self.good_days, self.raised_week = allowed, 0, None
        elif allowed > self.scale > 0:
            self._rise(allowed, week_of(now_ns))

    def resume(self, steps: Sequence[Step]) -> None:
        """Begin again after a halt at 0; elsewhere nothing changes."""
        if self.scale == 0:
            self.scale = min((factor for _, factor in steps if factor), default=_FULL)
            self.high_usd, self.good_days, self.raised_week = self.last_usd, 0, None

    def as_plain(self) -> dict[str, Any]:
        """Return the state as plain data."""
        money = {name: None if (one := getattr(self, name)) is None else str(one) for name in _MONEY}
        return money | {"day": self.day, "good_days": self.good_days, "raised_week": self.raised_week}

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> "Recovery":
        """Return the state that `as_plain` wrote."""
        money = {name: Decimal(plain[name]) for name in _MONEY if plain[name] is not None}
        return cls(**(plain | {"high_usd": None} | money))

    def _end_days(self, profit_usd: Decimal, day: int) -> None:
        if day == self.day:
            return
        if self.day is not None and self.last_usd > self.day_start_usd:
            self.good_days += 1
        # A day begins where the one before ended, so that what happens overnight counts for the new one.
        self.day, self.day_start_usd = day, profit_usd if self.day is None else self.last_usd

    def _allowed(self, high_usd: Decimal, below_usd: Decimal, steps: Sequence[Step]) -> Decimal:
        reached = [factor for drawdown, factor in steps if below_usd >= drawdown * high_usd]
        return min(reached, default=_FULL)

    def _rise(self, allowed: Decimal, week: int) -> None:
        if self.good_days >= _GOOD_DAYS and week != self.raised_week:
            self.scale, self.raised_week = min(allowed, self.scale + _WEEKLY_RAISE), week
