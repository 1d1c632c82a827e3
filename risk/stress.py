"""What would be lost if: one line a scenario, for a report; no order is judged by it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal

from risk.lots import Lot
from risk.netting import gross_usd, worst_loss_usd
from risk.sums import ZERO


@dataclass(frozen=True, slots=True)
class StressLine:
    """A scenario in words, and what would be lost in it, in USD."""

    scenario: str
    loss_usd: Decimal


def stress(lots: Iterable[Lot]) -> list[StressLine]:
    """Return the scenarios in falling order of loss; live orders fill where that is worse.

    Everything pays nothing; a venue never pays again what is at stake there; every event of a group ends
    at its worst.
    """
    own = list(lots)
    lines = [StressLine("everything pays nothing", gross_usd(own))]
    for venue, held in _split(own, lambda lot: lot.outcome.venue).items():
        lines.append(StressLine(f"{venue} never pays", gross_usd(held)))
    for group, held in _split(own, lambda lot: lot.outcome.group).items():
        events = _split(held, lambda lot: lot.outcome.event).values()
        worst = sum((worst_loss_usd(event) for event in events), ZERO)
        lines.append(StressLine(f"every event of {group} ends at its worst", worst))
    return sorted(lines, key=lambda line: -line.loss_usd)


def _split(lots: Iterable[Lot], key: Callable[[Lot], str]) -> dict[str, list[Lot]]:
    parts: dict[str, list[Lot]] = {}
    for lot in lots:
        parts.setdefault(key(lot), []).append(lot)
    return parts
