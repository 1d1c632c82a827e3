"""What limits on pace, losing streaks and venues count: orders, trades, cancels, failures, results."""

from bisect import bisect_left, insort
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from nautilus_trader.model import OrderAccepted, OrderCanceled, OrderExpired, OrderFilled, OrderRejected

from risk.exposure import Reservation
from risk.marks import DAY_NS

_SECOND_NS = 1_000_000_000
_PRUNE_AT = 4096
COUNTED: Final = frozenset({OrderAccepted, OrderCanceled, OrderExpired, OrderFilled, OrderRejected})
"""The classes of events that are counted."""


class Health(StrEnum):
    """What may be noted of a venue: a mode that lasts until the next, or a failure of one moment."""

    NORMAL = "normal"
    REDUCE_ONLY = "reduce_only"
    DOWN = "down"
    FAILURE = "failure"


@dataclass(slots=True)
class Tally:
    """Counts that survive a restart; days are UTC days since the epoch, times nanoseconds.

    `failures` are orders that a venue rejected, that had to trade at once and did not, and what
    `Guardian.note_health` was told. `answers` are a venue's words on new orders: (when, was it a no).
    Nothing older than a day is kept. `losses_in_a_row` counts positions closed at a loss, fees included.
    """

    day: int = -1
    trades_today: int = 0
    cancels_today: int = 0
    losses_in_a_row: int = 0
    last_loss_ns: int = 0
    failures: dict[str, list[int]] = field(default_factory=dict)
    answers: dict[str, list[tuple[int, bool]]] = field(default_factory=dict)
    modes: dict[str, Health] = field(default_factory=dict)
    let_out: list[int] = field(default_factory=list)

    def hear(self, event: Any, live: Reservation | None, now_ns: int) -> None:
        """Count an order's event; `live` is what was set aside for it before the event."""
        self.on_day(now_ns)
        venue = str(event.instrument_id.venue)
        match event:
            case OrderAccepted():
                self._answer(venue, now_ns, is_no=False)
            case OrderRejected():
                self._answer(venue, now_ns, is_no=True)
                self.fail(venue, now_ns)
            case OrderFilled():
                self.trades_today += live is None or not live.filled
            case OrderCanceled() | OrderExpired() if live and live.must_fill:
                if not live.filled:
                    self.fail(venue, now_ns)
            case OrderCanceled():
                self.cancels_today += 1

    def on_day(self, now_ns: int) -> None:
        """Begin to count anew when the UTC day is another."""
        if now_ns // DAY_NS != self.day:
            self.day, self.trades_today, self.cancels_today = now_ns // DAY_NS, 0, 0

    def end(self, results_usd: Iterable[Decimal], now_ns: int) -> None:
        """Take note of closed positions; a result of exactly nothing ends no streak and begins none."""
        for result in results_usd:
            if result < 0:
                self.losses_in_a_row += 1
                self.last_loss_ns = now_ns
            elif result > 0:
                self.losses_in_a_row = 0

    def pass_order(self, now_ns: int) -> None:
        """Count an order, or a change of one, that may leave."""
        self.on_day(now_ns)
        _insert(self.let_out, now_ns)

    def fail(self, venue: str, now_ns: int) -> None:
        """Count a failure at a venue."""
        _insert(self.failures.setdefault(venue, []), now_ns)

    def note(self, venue: str, health: Health, now_ns: int) -> None:
        """Take note of a venue's mode, or count its failure."""
        if health == Health.FAILURE:
            self.fail(venue, now_ns)
        else:
            self.modes[venue] = health

    def orders_since(self, since_ns: int) -> int:
        """Return how many orders and changes were let out after `since_ns`."""
        return len(self.let_out) - bisect_left(self.let_out, since_ns + 1)

    def failures_since(self, venue: str, since_ns: int) -> int:
        """Return how often something failed at a venue after `since_ns`."""
        times = self.failures.get(venue, [])
        return len(times) - bisect_left(times, since_ns + 1)

    def answers_since(self, venue: str, since_ns: int) -> tuple[int, int]:
        """Return how many new orders a venue rejected, and how many it answered, after `since_ns`."""
        recent = [is_no for at_ns, is_no in self.answers.get(venue, []) if at_ns > since_ns]
        return sum(recent), len(recent)

    def as_plain(self) -> dict[str, Any]:
        """Return the counts as plain data; of the orders let out only those of the last second."""
        last_ns = self.let_out[-1] if self.let_out else 0
        return {
            "day": self.day,
            "trades_today": self.trades_today,
            "cancels_today": self.cancels_today,
            "losses_in_a_row": self.losses_in_a_row,
            "last_loss_ns": self.last_loss_ns,
            "failures": {venue: list(times) for venue, times in self.failures.items()},
            "answers": {venue: list(told) for venue, told in self.answers.items()},
            "modes": {venue: str(mode) for venue, mode in self.modes.items()},
            "let_out": self.let_out[bisect_left(self.let_out, last_ns - _SECOND_NS + 1) :],
        }

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> "Tally":
        """Return the counts that `as_plain` wrote."""
        modes = {venue: Health(mode) for venue, mode in plain["modes"].items()}
        answers = {venue: [(at, no) for at, no in told] for venue, told in plain["answers"].items()}
        return cls(**(plain | {"modes": modes, "answers": answers}))

    def _answer(self, venue: str, now_ns: int, *, is_no: bool) -> None:
        told = self.answers.setdefault(venue, [])
        told.append((now_ns, is_no))
        if len(told) > _PRUNE_AT:
            self.answers[venue] = [one for one in told[-_PRUNE_AT // 2 :] if one[0] > now_ns - DAY_NS]


def _insert(times: list[int], now_ns: int) -> None:
    insort(times, now_ns)
    if len(times) > _PRUNE_AT:
        del times[: min(bisect_left(times, now_ns - DAY_NS), _PRUNE_AT // 2)]
