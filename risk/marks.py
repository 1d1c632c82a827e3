"""What the loss limits remember: where the day began, its worst moment, the highest equity."""

from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

DAY_NS = 86_400_000_000_000


@dataclass(slots=True)
class Marks:
    """Baselines of total profit (equity less capital, in USD), so that deposits and withdrawals move none.

    `day` counts UTC days since the epoch; None means: not looked yet. A look happens at every order and
    before every fill, so a low between two looks goes unseen.
    """

    day: int | None = None
    day_start_usd: Decimal | None = None
    day_low_usd: Decimal | None = None
    high_usd: Decimal | None = None

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
        self.high_usd = profit_usd if self.high_usd is None else max(self.high_usd, profit_usd)

    def as_plain(self) -> dict[str, Any]:
        """Return the baselines as plain data, for the journal."""
        return {
            name: str(value) if isinstance(value, Decimal) else value for name, value in asdict(self).items()
        }

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> "Marks":
        """Return the baselines that `as_plain` wrote: a restart must not forget a loss."""
        money = {name: Decimal(text) for name, text in plain.items() if name != "day" and text is not None}
        return cls(day=plain["day"], **money)
