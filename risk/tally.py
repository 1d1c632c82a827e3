"""What limits on pace, losing streaks and venues count: orders, trades, cancels, failures, results."""

from bisect import bisect_left, insort
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from nautilus_trader.model import (
    OrderAccepted,
    OrderCanceled,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    OrderSubmitted,
)

from markets.facts import Condition
from risk.exposure import Reservation
from risk.marks import DAY_NS

_SECOND_NS = 1_000_000_000
_PRUNE_AT = 4096
COUNTED: Final = frozenset(
    {OrderAccepted, OrderCanceled, OrderExpired, OrderFilled, OrderRejected, OrderSubmitted}
)
"""The classes of events that are counted."""

type Answer = tuple[int, bool, int]
"""A venue's word on a new order: when, was it a no, and nanoseconds after we asked."""


@dataclass(slots=True)
class Tally:
    """Counts that survive a restart; days are UTC days since the epoch, times nanoseconds.

    `failures` are orders that a venue rejected, that had to trade at once and did not, and what
    `Guardian.note_health` was told; `api_errors` are what it was told alone. `desk_modes` is how venues work by the
    word of who sends orders, `modes` by that of everybody else. `faults` are judgements that broke: an exception,
    a NaN, a missing figure. Nothing older than a day is kept. `losses_in_a_row` counts
    positions closed at a loss, fees included. `asked_ns` holds the orders that a venue has not answered yet, by
    their id, with the venue and the time; it alone does not survive a restart.
    """

    day: int = -1
    trades_today: int = 0
    cancels_today: int = 0
    losses_in_a_row: int = 0
    last_loss_ns: int = 0
    failures: dict[str, list[int]] = field(default_factory=dict)
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    modes: dict[str, Condition] = field(default_factory=dict)
    desk_modes: dict[str, Condition] = field(default_factory=dict)
    api_errors: dict[str, list[int]] = field(default_factory=dict)
    faults: list[int] = field(default_factory=list)
    asked_ns: dict[str, tuple[str, int]] = field(default_factory=dict)
    let_out: list[int] = field(default_factory=list)

    def hear(self, event: Any, live: Reservation | None, now_ns: int) -> None:
        """Count an order's event; `live` is what was set aside for it before the event."""
        self.on_day(now_ns)
        venue = str(event.instrument_id.venue)
        match event:
            case OrderSubmitted():
                self.asked_ns[str(event.client_order_id)] = venue, now_ns
            case OrderAccepted():
                self._answer(event, now_ns, is_no=False)
            case OrderRejected():
                self._answer(event, now_ns, is_no=True)
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

    def note(self, venue: str, condition: Condition, now_ns: int, *, by_desk: bool = False) -> None:
        """Take note of a venue's mode, by the word of who brings data or of who sends orders, or count its failure."""
        if condition == Condition.FAILURE:
            self.fail(venue, now_ns)
        elif condition == Condition.API_ERROR:
            _insert(self.api_errors.setdefault(venue, []), now_ns)
        else:
            (self.desk_modes if by_desk else self.modes)[venue] = condition

    def mode_of(self, venue: str) -> Condition | None:
        """Return the last word on how a venue works: that of who sends orders, unless all is well with it."""
        said = self.desk_modes.get(venue, Condition.NORMAL)
        return self.modes.get(venue) if said == Condition.NORMAL else said

    def break_down(self, now_ns: int) -> None:
        """Count a judgement that broke."""
        _insert(self.faults, now_ns)

    def orders_since(self, since_ns: int) -> int:
        """Return how many orders and changes were let out after `since_ns`."""
        return _count_after(self.let_out, since_ns)

    def failures_since(self, venue: str, since_ns: int) -> int:
        """Return how often something failed at a venue after `since_ns`."""
        return _count_after(self.failures.get(venue, []), since_ns)

    def api_errors_since(self, venue: str, since_ns: int) -> int:
        """Return how many requests to a venue ended in an error after `since_ns`."""
        return _count_after(self.api_errors.get(venue, []), since_ns)

    def faults_since(self, since_ns: int) -> int:
        """Return how many judgements broke after `since_ns`."""
        return _count_after(self.faults, since_ns)

    def answers_since(self, venue: str, since_ns: int) -> tuple[int, int]:
        """Return how many new orders a venue rejected, and how many it answered, after `since_ns`."""
        recent = [is_no for at_ns, is_no, _ in self.answers.get(venue, []) if at_ns > since_ns]
        return sum(recent), len(recent)

    def slowest_since(self, venue: str, since_ns: int, now_ns: int) -> int:
        """Return the longest that a venue took for an answer after `since_ns`, or has taken so far, in ns; 0: none."""
        took = [took_ns for at_ns, _, took_ns in self.answers.get(venue, []) if at_ns > since_ns]
        waited = [now_ns - at_ns for where, at_ns in self.asked_ns.values() if where == venue]
        return max([*took, *waited], default=0)

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
            "api_errors": {venue: list(times) for venue, times in self.api_errors.items()},
            "faults": list(self.faults),
            "modes": {venue: str(mode) for venue, mode in self.modes.items()},
            "desk_modes": {venue: str(mode) for venue, mode in self.desk_modes.items()},
            "let_out": self.let_out[bisect_left(self.let_out, last_ns - _SECOND_NS + 1) :],
        }

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> "Tally":
        """Return the counts that `as_plain` wrote."""
        modes, desk_modes = (
            {venue: Condition(mode) for venue, mode in plain[name].items()}
            for name in ("modes", "desk_modes")
        )
        answers = {
            venue: [(at, no, took) for at, no, took in told] for venue, told in plain["answers"].items()
        }
        return cls(**(plain | {"modes": modes, "desk_modes": desk_modes, "answers": answers}))

    def _answer(self, event: Any, now_ns: int, *, is_no: bool) -> None:
        venue = str(event.instrument_id.venue)
        _, asked_ns = self.asked_ns.pop(str(event.client_order_id), (venue, now_ns))
        told = self.answers.setdefault(venue, [])
        told.append((now_ns, is_no, now_ns - asked_ns))
        if len(told) > _PRUNE_AT:
            self.answers[venue] = [one for one in told[-_PRUNE_AT // 2 :] if one[0] > now_ns - DAY_NS]


def _count_after(times: list[int], since_ns: int) -> int:
    return len(times) - bisect_left(times, since_ns + 1)


def _insert(times: list[int], now_ns: int) -> None:
    insort(times, now_ns)
    if len(times) > _PRUNE_AT:
        del times[: min(bisect_left(times, now_ns - DAY_NS), _PRUNE_AT // 2)]
