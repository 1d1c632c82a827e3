"""What the loss limits remember: where day and week began, their worst moments, the highest equity."""

from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

DAY_NS = 86_400_000_000_000
_MONDAY = 3  # the epoch began on a Thursday
_COUNTS = ("day", "week")


@dataclass(slots=True)
class Marks:
    """Baselines of total profit (equity less capital, in USD), so that deposits and withdrawals move none.

    `day` counts UTC days since the epoch, `week` ISO weeks (Monday, UTC); None means: not looked yet. A
    look happens at every order and before every fill, so a low between two looks goes unseen.
    """

    day: int | None = None
    day_start_usd: Decimal | None = None
    day_low_usd: Decimal | None = None
    high_usd: Decimal | None = None
    week: int | None = None
    week_start_usd: Decimal | None = None
    week_low_usd: Decimal | None = None

    def look(self, profit_usd: Decimal, now_ns: int) -> None:
        """Take note of the profit now; ValueError when the clock runs back into an earlier day."""
        if not profit_usd.is_finite():
            raise ValueError(f"expected a finite profit, found {profit_usd}")
        day = now_ns // DAY_NS
        if self.day is not None and day < self.day:
            raise ValueError(f"expected a time on or after UTC day {self.day}, found day {day}")
        if day != self.day or self.day_low_usd is None:
            self.day, self.day_start_usd, self.day_low_usd = day, profit_usd, profit_usd
        self.day_low_usd = min(self.day_low_usd, profit_usd)
        self._look_at_week(profit_usd, week_of(now_ns))
        self.high_usd = profit_usd if self.high_usd is None else max(self.high_usd, profit_usd)

    def _look_at_week(self, profit_usd: Decimal, week: int) -> None:
        if week != self.week or self.week_low_usd is None:
            self.week, self.week_start_usd, self.week_low_usd = week, profit_usd, profit_usd
        self.week_low_usd = min(self.week_low_usd, profit_usd)

    def as_plain(self) -> dict[str, Any]:
        """Return the baselines as plain data, for the journal."""
        return {
            name: str(value) if isinstance(value, Decimal) else value for name, value in asdict(self).items()
        }

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> "Marks":
        """Return the baselines that `as_plain` wrote: a restart must not forget a loss."""
        money = {
            name: Decimal(text) for name, text in plain.items() if name not in _COUNTS and text is not None
        }
        return cls(day=plain["day"], week=plain.get("week"), **money)


def week_of(now_ns: int) -> int:
    """Return the ISO week (Monday to Sunday, UTC) of a time, counted since the epoch."""
    return (now_ns // DAY_NS + _MONDAY) // 7


def week_ends_ns(now_ns: int) -> int:
    """Return the next Monday, 00:00 UTC."""
    return ((week_of(now_ns) + 1) * 7 - _MONDAY) * DAY_NS
