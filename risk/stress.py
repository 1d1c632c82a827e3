"""What would be lost if: one line a scenario."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from risk.contract import Outcome
from risk.lots import Lot
from risk.netting import gross_usd, worst_loss_usd
from risk.sums import ZERO

_ONE: Final = Decimal(1)
_HALF: Final = Decimal("0.5")


@dataclass(frozen=True, slots=True)
class StressLine:
    """A scenario in words, and what would be lost in it, in USD."""

    scenario: str
    loss_usd: Decimal


@dataclass(frozen=True, slots=True)
class Sight:
    """What a scenario starts from: what a contract would bring now, and where an underlying is (None: not known).

    `move` is by how much of itself an underlying moves, above 0 and below 1.
    """

    mark: Callable[[str], Decimal]
    spot: Callable[[str], Decimal | None]
    move: Decimal


def stress(lots: Iterable[Lot], sight: Sight) -> list[StressLine]:
    """Return all that may go wrong, in falling order of loss: everything pays nothing, a venue never pays, `scenarios`."""
    own = list(lots)
    lines = [StressLine("everything pays nothing", gross_usd(own)), *scenarios(own, sight)]
    for venue, held in _split(own, lambda lot: lot.outcome.venue).items():
        lines.append(StressLine(f"{venue} never pays", gross_usd(held)))
    return sorted(lines, key=_worst_first)


def scenarios(lots: Iterable[Lot], sight: Sight) -> list[StressLine]:
    """Return what is not the loss of everything somewhere, in falling order of loss; live orders fill where that is worse.

    Every event of a group ends at its worst; an underlying ends higher or lower by `move`, its markets pay by their strikes, or else the worse
    way, and everything else is left at its mark; nobody bids any more, live bids fill, and what is held brings half its mark.
    What `mark` raises for an unknown price passes through.
    """
    own = list(lots)
    lines = []
    for group, held in _split(own, lambda lot: lot.outcome.group).items():
        events = _split(held, lambda lot: lot.outcome.event).values()
        worst = sum((worst_loss_usd(event) for event in events), ZERO)
        lines.append(StressLine(f"every event of {group} ends at its worst", worst))
    for underlying in sorted({lot.outcome.underlying for lot in own if lot.outcome.underlying}):
        lines += _moved(own, underlying, sight)
    lines.append(StressLine("nobody bids any more", _unsellable_usd(own, sight)))
    return sorted(lines, key=_worst_first)


def _worst_first(line: StressLine) -> Decimal:
    return -line.loss_usd


def pays_yes(outcome: Outcome, price: Decimal) -> bool | None:
    """Return whether a market resolves to YES when what decides it ends at `price`; None when its strike does not say."""
    low, high = (None if one is None else Decimal(one) for one in (outcome.floor_strike, outcome.cap_strike))
    match outcome.strike_type, low, high:
        case "greater", Decimal(), _:
            return price > low
        case "greater_or_equal", Decimal(), _:
            return price >= low
        case "less", _, Decimal():
            return price < high
        case "less_or_equal", _, Decimal():
            return price <= high
        case "between", Decimal(), Decimal():
            return low <= price <= high
    return None


def _moved(own: Sequence[Lot], underlying: str, sight: Sight) -> Iterator[StressLine]:
    touched = [lot for lot in own if lot.outcome.underlying == underlying]
    rest = sum((lot.loss_usd(sight.mark(lot.outcome.instrument)) for lot in own if lot not in touched), ZERO)
    spot = sight.spot(underlying)
    if spot is None:
        yield StressLine(f"{underlying} moves, from where is not known", rest + gross_usd(touched))
        return
    for sign, word in ((1, "higher"), (-1, "lower")):
        price = spot * (1 + sign * sight.move)
        markets = _split(touched, lambda lot: lot.outcome.market).values()
        loss = rest + sum((_at(market, price) for market in markets), ZERO)
        yield StressLine(f"{underlying} ends {(100 * sight.move).normalize():f} % {word}", loss)


def _at(market: Sequence[Lot], price: Decimal) -> Decimal:
    is_yes = pays_yes(market[0].outcome, price)
    ends = (True, False) if is_yes is None else (is_yes,)
    return max(sum((lot.loss_usd(_payout(lot, end)) for lot in market), ZERO) for end in ends)


def _payout(lot: Lot, is_yes: bool) -> Decimal:
    return _ONE if lot.outcome.is_yes == is_yes else ZERO


def _unsellable_usd(own: Iterable[Lot], sight: Sight) -> Decimal:
    return sum(
        (
            lot.stake_usd - (lot.held * sight.mark(lot.outcome.instrument) * _HALF if lot.held else ZERO)
            for lot in own
        ),
        ZERO,
    )


def _split(lots: Iterable[Lot], key: Callable[[Lot], str]) -> dict[str, list[Lot]]:
    parts: dict[str, list[Lot]] = {}
    for lot in lots:
        parts.setdefault(key(lot), []).append(lot)
    return parts
