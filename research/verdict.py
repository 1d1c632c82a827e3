"""Say in at most three sentences what the numbers prove, and what they do not."""

from dataclasses import dataclass
from decimal import Decimal

from research.bootstrap import CONFIDENCE, Estimate
from research.wording import count, exact, percent, usd

MINIMUM_EVENTS = 100
"""Below this many independent events no interval of a mean P&L is worth reading."""

_TITLES = {
    "invalid": "the books do not balance",
    "no_trades": "no trades",
    "too_few": "too few events",
    "unpromotable": "evidence that never promotes",
    "inconclusive": "no evidence of profit",
    "loss": "evidence of a loss",
    "profit": "evidence of profit",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """What a verdict looks at, and nothing else.

    `judged_events` have fills of class A, B or C. `pnl` is the mean P&L per event over all fills; in
    `credited` the gains of class D and S are left out and their losses kept. Both intervals allow for
    earlier trials. `weak_classes` are the ones of D and S that have fills.
    """

    ledger_conserved: bool
    difference_usd: Decimal
    fills: int
    promotable_fills: int
    events: int
    judged_events: int
    weak_classes: tuple[str, ...]
    weak_net_usd: Decimal
    pnl: Estimate | None
    credited: Estimate | None
    trials_before: int
    scored_events: int
    brier_model: float | None
    brier_market: float | None
    brier_difference: Estimate | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the report says first.

    `level` is one of `invalid` (the books do not balance), `no_trades`, `too_few` (events),
    `unpromotable` (class D or S only), `inconclusive`, `loss`, `profit`. Only `profit` may promote a strategy.
    """

    level: str
    sentences: tuple[str, ...]

    @property
    def title(self) -> str:
        return _TITLES[self.level]

    @property
    def text(self) -> str:
        return " ".join(self.sentences)


def judge(numbers: Numbers) -> Verdict:
    """Return the verdict: the first doubt that applies decides the level, the rest is said after it."""
    level, sentence = _main(numbers)
    others = (_about_weak_classes(numbers, level), _about_the_model(numbers))
    return Verdict(level, (sentence, *(other for other in others if other)))


def _main(numbers: Numbers) -> tuple[str, str]:
    if not numbers.ledger_conserved or numbers.difference_usd:
        return "invalid", _unbalanced(numbers)
    if numbers.fills == 0:
        return "no_trades", "Nothing was filled, so there is no profit to judge."
    if numbers.promotable_fills and numbers.judged_events < MINIMUM_EVENTS:
        return "too_few", _too_few(
            numbers.judged_events, " of class A, B or C" if numbers.weak_classes else ""
        )
    if numbers.events < MINIMUM_EVENTS:
        return "too_few", _too_few(numbers.events)
    if not numbers.promotable_fills:
        return "unpromotable", f"{_all_weak(numbers)}, so this promotes nothing whatever it earned."
    return _about_the_interval(numbers)


def _unbalanced(numbers: Numbers) -> str:
    ledger = "conserved" if numbers.ledger_conserved else "not conserved"
    return (
        f"The books do not balance, so no number of this run can be trusted: the ledger is {ledger},"
        f" and its net is {exact(numbers.difference_usd)} USD off the sum over the fills."
    )


def _too_few(events: int, which: str = "") -> str:
    have = count(events, "independent event")
    return f"This proves nothing about profit: it rests on {have}{which}, fewer than {MINIMUM_EVENTS}."


def _about_the_interval(numbers: Numbers) -> tuple[str, str]:
    # Crediting leaves gains out, so it may speak for a profit but never for a loss.
    pnl, credited = numbers.pnl, numbers.credited
    if credited and credited.low is not None and credited.low > 0:
        return "profit", f"There is evidence of profit: {_said(credited, numbers, _credited(numbers))}."
    if pnl and pnl.high is not None and pnl.high < 0:
        return "loss", f"There is evidence of a loss: {_said(pnl, numbers)}."
    if pnl and pnl.low is not None and pnl.low > 0:
        return (
            "inconclusive",
            f"There is no evidence of profit: {_said(credited, numbers, _credited(numbers))}.",
        )
    return "inconclusive", f"There is no evidence of profit: {_said(pnl, numbers)}."


def _credited(numbers: Numbers) -> str:
    return "credited P&L" if numbers.weak_classes else "P&L"


def _said(estimate: Estimate | None, numbers: Numbers, what: str = "P&L") -> str:
    if estimate is None or estimate.low is None or estimate.high is None:
        return "no interval could be computed"
    return (
        f"the {percent(CONFIDENCE)} interval of the mean {what} per event{_correction(numbers.trials_before)}"
        f" runs from {estimate.low:+.4f} to {estimate.high:+.4f} USD"
        f" over {count(estimate.events, 'independent event')}"
    )


def _correction(trials_before: int) -> str:
    return f", widened for {count(trials_before, 'earlier trial')}," if trials_before else ""


def _about_weak_classes(numbers: Numbers, level: str) -> str | None:
    if not numbers.weak_classes or level in ("invalid", "unpromotable"):
        return None
    if not numbers.promotable_fills:
        return f"{_all_weak(numbers)}, which never promotes."
    names = " and ".join(numbers.weak_classes)
    return f"Class {names} made {usd(numbers.weak_net_usd)}: it never promotes, so only its losses count."


def _all_weak(numbers: Numbers) -> str:
    return f"Every fill is of class {' or '.join(numbers.weak_classes)}"


def _about_the_model(numbers: Numbers) -> str | None:
    model, market, difference = numbers.brier_model, numbers.brier_market, numbers.brier_difference
    if model is None or market is None or model <= market:
        return None
    scores = f"Brier {model:.4f} against {market:.4f} over {count(numbers.scored_events, 'event')}"
    within_chance = difference is None or difference.low is None or difference.low <= 0
    doubt = "; the difference may be chance" if within_chance else ""
    return f"The model scores worse than the market ({scores}{doubt})."
